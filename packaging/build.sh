#!/usr/bin/env bash
# Builds the archive of a release for one target, as cargo-binstall looks for it, and with --deb, --rpm or --wheel the packages too.
#
#   packaging/build.sh [TARGET] [--deb] [--rpm] [--wheel]
#
# The archive holds the program, its manual pages and completions, licence, README and samples. Everything lands in dist/.
set -euo pipefail
cd "$(dirname "$0")/.."
host=$(rustc -vV | sed -n 's/^host: //p')
target=$host
deb= rpm= wheel=
for word in "$@"; do
  case $word in
    --deb) deb=1 ;;
    --rpm) rpm=1 ;;
    --wheel) wheel=1 ;;
    *) target=$word ;;
  esac
done
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
export CORPORA_COMMIT="${CORPORA_COMMIT:-$(git rev-parse --short=12 HEAD 2>/dev/null || true)}"
# For this machine, where every build goes; for another one, beside it.
kind=() built=${CARGO_TARGET_DIR:-target}/release
[ "$target" = "$host" ] || { kind=(--target "$target") && built=${CARGO_TARGET_DIR:-target}/$target/release; }
cargo build --release --locked --bin corpora "${kind[@]}"
program=$built/corpora
# Where the program can run here it writes its own pages; else those of a build for this machine are the same.
runs=$program
"$runs" --version >/dev/null 2>&1 || { cargo build --release --locked --bin corpora && runs=${CARGO_TARGET_DIR:-target}/release/corpora; }
extra=target/packaging
rm -rf "$extra" && mkdir -p "$extra/man" "$extra/completions" dist
"$runs" man --all "$extra/man"
gzip -9nkf "$extra"/man/*.1
"$runs" completions bash >"$extra/completions/corpora.bash"
"$runs" completions zsh >"$extra/completions/_corpora"
"$runs" completions fish >"$extra/completions/corpora.fish"

name=corpora-$version-$target
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/$name/man"
install -m 755 "$program" "$stage/$name/corpora"
strip "$stage/$name/corpora" 2>/dev/null || true
cp "$extra"/man/*.1 "$stage/$name/man/"
cp -r "$extra/completions" contrib samples samples-trouble LICENSE README.md CHANGELOG.md "$stage/$name/"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-0}" -C "$stage" -czf "dist/$name.tar.gz" "$name"

[ -z "$deb" ] || cargo deb --no-build "${kind[@]}" --output dist/
[ -z "$rpm" ] || cargo generate-rpm "${kind[@]}" --output dist/
[ -z "$wheel" ] || maturin build --release --locked "${kind[@]}" --out dist
(cd dist && sha256sum -- *"$version"* >SHA256SUMS)
ls -l dist
