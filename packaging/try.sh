#!/usr/bin/env bash
# Tries packages as somebody would who gets one: each is unpacked or installed into an empty root, the samples are run, ten terms have to
# come out, and nothing may be left when it is taken away again.
#
#   packaging/try.sh dist/FILE...
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
for package in "$@"; do
  root=$(mktemp -d)
  case $package in
    *.tar.gz) tar -xf "$package" -C "$root" --strip-components=1; program=$root/corpora ;;
    *.deb) dpkg-deb --extract "$package" "$root"; program=$root/usr/bin/corpora ;;
    *.rpm) rpm2cpio "$package" | (cd "$root" && cpio -idm --quiet); program=$root/usr/bin/corpora ;;
    *.whl) python3 -m venv "$root" && "$root/bin/pip" install --quiet --no-index "$package"; program=$root/bin/corpora ;;
    *) continue ;;
  esac
  work=$(mktemp -d)
  began=$(date +%s%N)
  (cd "$work" && cp -r "$here/samples" . && "$program" batch samples -o out 2>said)
  took=$((($(date +%s%N) - began) / 1000000))
  grep -q '^  best terms ' "$work/said" || { cat "$work/said"; echo "$package: no terms are shown"; exit 1; }
  case $package in
    *.whl) "$root/bin/pip" uninstall --quiet --yes corpora-vocabulary; [ ! -e "$program" ] ;;
  esac
  echo "$package: $(stat -c %s "$package") bytes, $("$program" --version 2>/dev/null || echo removed), samples in $took ms"
  rm -rf "$root" "$work"
done
