# SPDX-License-Identifier: MIT
"""Certificates for a test, made by the openssl program in a folder of its own."""

import subprocess

CONFIG = "[req]\ndistinguished_name = name\nprompt = no\n[name]\nCN = {name}\n"


class Authority:
    """A CA; path is its certificate."""

    def __init__(self, folder, name):
        self.folder = folder
        self.path = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"
        self.make(self.path, self.key, name, ["basicConstraints=critical,CA:TRUE"], 90)

    def make(self, path, key, name, extensions, days, *arguments):
        config = path.with_suffix(".conf")
        config.write_text(CONFIG.format(name=name))
        command = ["openssl", "req", "-x509", "-config", config, "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:P-256", "-noenc", "-keyout", key, "-out", path,
                   "-days", str(days), *arguments]
        for extension in extensions:
            command += ["-addext", extension]
        subprocess.run(command, check=True, capture_output=True)

    def issue(self, name, names, days=90):
        """names: a subjectAltName. (certificate, key), as settings and command lines want them"""
        path, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        self.make(path, key, name, [f"subjectAltName={names}", "basicConstraints=CA:FALSE"], days,
                  "-CA", self.path, "-CAkey", self.key)
        return str(path), str(key)
