#!/bin/sh
# A virtual environment with exactly the packages of a requirements file; kept while that is the same.
# Usage: peer_environment.sh PYTHON REQUIREMENTS FOLDER
set -eu

python=$1 requirements=$2 folder=$3
if [ -f "$folder/made-from.txt" ] && cmp -s "$requirements" "$folder/made-from.txt"; then
    exit 0
fi
rm -rf "$folder"
mkdir -p "$(dirname "$folder")"
"$python" -m venv "$folder"
# The files name every package: no resolver may add one, least of all another build of torch.
"$folder/bin/python" -m pip install --quiet --no-deps --requirement "$requirements"
cp "$requirements" "$folder/made-from.txt"
