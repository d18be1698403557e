#!/bin/sh
# Rebuild every sample from its source. Run from anywhere; everything on PATH:
#   pdflatex soffice chromium weasyprint pandoc qpdf pdftoppm zip unzip
#   python3 with Pillow (or set PYTHON to one that has it)
# Part of the corpora samples, GPL-3.0-or-later.
set -eu
cd "$(dirname "$0")"
out=..
trouble=../../samples-trouble
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}
export SOURCE_DATE_EPOCH=1704067200 FORCE_SOURCE_DATE=1 TZ=UTC LC_ALL=C.UTF-8
mkdir -p "$out/stories" "$trouble"

latex() { # latex NAME TARGET: two passes, so that the contents list is right
    for _ in 1 2; do
        pdflatex -interaction=batchmode -halt-on-error -output-directory="$work" "$1.tex" >/dev/null
    done
    cp "$work/$1.pdf" "$2"
}

browser() { # browser SOURCE TARGET
    chromium --headless --no-sandbox --disable-gpu --user-data-dir="$work/chromium" \
        --no-pdf-header-footer --print-to-pdf="$work/browser.pdf" "file://$PWD/$1" 2>/dev/null
    cp "$work/browser.pdf" "$2"
}

# Chromium and LibreOffice write the time of the run; overwrite it in place,
# at the same length, so that no byte offset moves. The same for the random
# file identifier of LibreOffice.
fixdate() {
    LC_ALL=C sed -i -E -e 's/\(D:[0-9]{14}/(D:20240101000000/g' \
        -e 's/<[0-9A-F]{32}>/<C0B90BA5A3B1E5000000000000000000>/' \
        -e 's|(/DocChecksum /)[0-9A-F]{32}|\1C0B90BA5A3B1E5000000000000000000|' "$1"
}

# epub FORMAT NAME: pandoc, then the same parts zipped again with a fixed time.
epub() {
    target=$(cd "$out/stories" && pwd)/$2.epub
    pandoc -f markdown -t "$1" --toc -o "$work/$2.epub" "$2.md"
    rm -rf "$work/parts" "$target"
    mkdir "$work/parts"
    (cd "$work/parts"
     unzip -q "../$2.epub"
     find . -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
     zip -qX0 "$target" mimetype
     find META-INF EPUB -type f | LC_ALL=C sort | zip -qX9 "$target" -@)
}

# 1. LaTeX, two columns.
latex kettlefen-rules "$out/kettlefen-rules.pdf"

# 2. Chromium.
browser kettlefen-bestiary.html "$out/kettlefen-bestiary.pdf"
fixdate "$out/kettlefen-bestiary.pdf"

# 3. LibreOffice.
soffice -env:UserInstallation="file://$work/office" --headless \
    --convert-to pdf:writer_pdf_Export --outdir "$work" kettlefen-kindlings.fodt >/dev/null 2>&1
cp "$work/kettlefen-kindlings.pdf" "$out/kettlefen-kindlings.pdf"
fixdate "$out/kettlefen-kindlings.pdf"

# 4. WeasyPrint.
weasyprint -q varrow-field-guide.html "$out/varrow-field-guide.pdf"

# 5. pandoc, EPUB 3 and EPUB 2.
epub epub3 the-ninth-kettle
epub epub2 letters-from-skaldo

# 6. LaTeX, one column, German.
latex die-glockenwaerterin "$out/stories/die-glockenwaerterin.pdf"

# 7. Encrypted: the user password is "secret".
browser kettlefen-referee.html "$work/referee.pdf"
fixdate "$work/referee.pdf"
qpdf --deterministic-id "$work/referee.pdf" "$work/referee-id.pdf"
qpdf --encrypt secret secret 256 -- "$work/referee-id.pdf" "$trouble/locked-referee-notes.pdf"

# 8. A picture of a page, with no text layer.
weasyprint -q notice-of-sale.html "$work/notice.pdf"
pdftoppm -r 110 -png "$work/notice.pdf" "$work/notice"
"$python" scan.py "$trouble/scanned-notice.pdf" "$work"/notice-*.png

# 9. Damaged: both files stop in the middle.
head -c 60000 "$out/kettlefen-rules.pdf" >"$trouble/cut-short.pdf"
head -c 9000 "$out/stories/the-ninth-kettle.epub" >"$trouble/cut-short.epub"
