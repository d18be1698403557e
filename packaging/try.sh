#!/usr/bin/env bash
# Tries packages as somebody would who gets one: each is installed into an empty root, the samples are run, ten terms have to come out, and when
# it is taken away again nothing of it may be left.
#
#   packaging/try.sh dist/FILE...
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)

# An empty root has no libc for the program to be installed after: it runs with this machine's.
dpkg_in() {
  dpkg --root="$1" --force-depends --log=/dev/null "${@:2}" >/dev/null
}
rpm_in() {
  rpm --root "$1" --dbpath /var/lib/rpm "${@:2}" 2> >(grep -v '^rpm: ' >&2)
}

install_in() {
  case $2 in
    *.tar.gz) tar -xf "$2" -C "$1" --strip-components=1 ;;
    *.deb)
      mkdir -p "$1"/var/lib/dpkg/{info,updates} && : >"$1/var/lib/dpkg/status"
      dpkg_in "$1" --install "$2" 2>/dev/null
      ;;
    *.rpm) rpm_in "$1" --nodeps --nosignature --install "$2" ;;
    *.whl) python3 -m venv "$1" && "$1/bin/pip" install --quiet --no-index "$2" ;;
  esac
}

remove_from() {
  case $2 in
    *.tar.gz) rm -rf "${1:?}"/* ;;
    *.deb) dpkg_in "$1" --purge corpora ;;
    *.rpm) rpm_in "$1" --erase corpora ;;
    *.whl) "$1/bin/pip" uninstall --quiet --yes corpora-vocabulary ;;
  esac
}

for package in "$@"; do
  case $package in
    *.tar.gz | *.deb | *.rpm | *.whl) ;;
    *) continue ;;
  esac
  root=$(mktemp -d) work=$(mktemp -d)
  install_in "$root" "$package"
  program=$(find "$root" -name corpora -path '*bin/corpora' -o -name corpora -path "$root/corpora")
  version=$("$program" --version)
  began=$(date +%s%N)
  (cd "$work" && cp -r "$here/samples" . && "$program" batch samples -o out 2>said)
  took=$((($(date +%s%N) - began) / 1000000))
  grep -q '^  best terms ' "$work/said" || { cat "$work/said"; echo "$package: no terms are shown"; exit 1; }
  remove_from "$root" "$package"
  # A folder of documentation that rpm made on its way is nobody's.
  left=$(find "$root" -not -type d -name '*corpora*' -not -path '*/var/lib/*')
  [ -z "$left" ] || { echo "$package leaves $left"; exit 1; }
  echo "$package: $(stat -c %s "$package") bytes, $version, samples in $took ms"
  rm -rf "$root" "$work"
done
