#!/bin/sh
# Makes configure and the Makefile.in out of configure.ac, m4/ and the Makefile.inc of the folders.
set -eu
cd "$(dirname "$0")"
exec autoreconf --force --install --warnings=all
