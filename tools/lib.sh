# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What tools/test and tools/quickstart share: finding packages, a copy of the sources to build.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# shellcheck disable=SC2034 # for those who read this file
build_packages=(autoconf automake gcc libc6-dev make pkg-config
    libconfig-dev libh2o-evloop-dev libhiredis-dev libjansson-dev libseccomp-dev libssl-dev)

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# install_missing PACKAGE...
install_missing() {
    local package missing=() as_root=()
    if ! command -v dpkg-query >/dev/null; then
        echo "not a Debian: taking it that there is $*"
        return
    fi
    for package; do
        dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null |
            grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    echo "installing ${missing[*]}"
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "only root can install ${missing[*]}"
        as_root=(sudo)
    fi
    as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
    if ! "${as_root[@]}" update </dev/null ||
        ! "${as_root[@]}" install --yes --no-install-recommends "${missing[@]}" </dev/null; then
        die "apt-get could not install ${missing[*]}"
    fi
}

# copy_sources FOLDER: copies the sources as they are now, without what a build in the tree left,
# and makes their configure.
copy_sources() {
    mkdir "$1" &&
        tar -C "$top" --exclude=./.git --exclude=./_build --exclude='./build*' \
            --exclude=./autom4te.cache --exclude=./config.{h,log,status} --exclude=./Makefile \
            --exclude=./stamp-h1 --exclude=.deps --exclude=.dirstamp --exclude='*.[ao]' \
            --exclude=./docs/mte-api-relayd.8 --exclude=./docs/relayctl.1 --exclude='./etc/*/mte-api-relay' \
            --exclude='./etc/*/mte-api-relay.service' --exclude='*.log' --exclude='*.trs' --create . |
        tar -C "$1" --extract &&
        "$1/autogen.sh"
}
