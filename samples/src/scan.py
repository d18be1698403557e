"""Turn page pictures into a PDF that looks scanned and has no text layer.

Usage: scan.py OUT.pdf PAGE.png...        Needs Pillow.
Part of the corpora samples, GPL-3.0-or-later.
"""
import random
import sys
import time

from PIL import Image, ImageFilter

random.seed(16)
pages = []
for number, name in enumerate(sys.argv[2:]):
    page = Image.open(name).convert("L")
    page = page.rotate(0.7 if number % 2 == 0 else -0.5, resample=Image.BICUBIC, fillcolor=250)
    page = page.filter(ImageFilter.GaussianBlur(0.5))
    speck = page.load()
    for _ in range(900):
        x, y = random.randrange(page.width), random.randrange(page.height)
        speck[x, y] = max(0, speck[x, y] - random.randrange(20, 160))
    # Off-white paper, a little darker toward the spine.
    shade = Image.linear_gradient("L").rotate(90).resize(page.size).point(lambda v: 225 + v // 12)
    page = Image.composite(page, Image.new("L", page.size, 40), shade)
    pages.append(page)
epoch = time.gmtime(1704067200)
pages[0].save(sys.argv[1], "PDF", save_all=True, append_images=pages[1:],
              resolution=110, quality=55, title="Scanned notice",
              creationDate=epoch, modDate=epoch)
