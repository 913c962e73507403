#!/bin/sh
# Installs what schemathesis.txt names, with the digests it has, into a virtual environment FOLDER/schemathesis, and leads there
# from FOLDER/bin. The list is copied when all of it is there, so that a newer one is noticed.
set -eu
list=$(dirname "$0")/schemathesis.txt
environment=$1/schemathesis
rm -rf "$environment"
python3 -m venv "$environment"
"$environment/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement "$list"
mkdir -p "$1/bin"
ln -sf ../schemathesis/bin/schemathesis "$1/bin/schemathesis"
"$1/bin/schemathesis" --version
cp "$list" "$environment/installed.txt"
