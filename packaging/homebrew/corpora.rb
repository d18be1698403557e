# A formula for a tap of your own: fill in the address of the release and its checksum (SHA256SUMS stands beside the archives).
class Corpora < Formula
  desc "Turns a folder of PDF and EPUB files into vocabulary JSON"
  homepage "https://github.com/OWNER/corpora"
  url "https://github.com/OWNER/corpora/archive/refs/tags/v0.2.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "GPL-3.0-or-later"

  depends_on "rust" => :build
  depends_on :linux
  depends_on "tesseract" => :optional

  def install
    system "cargo", "install", *std_cargo_args
    system bin/"corpora", "man", "--all", man1
    generate_completions_from_executable(bin/"corpora", "completions")
  end

  test do
    (testpath/"books").mkpath
    (testpath/"books/a.txt").write "A saltbinder is a keeper of lamps. The saltbinder sleeps by day.\n"
    system bin/"corpora", "batch", "books", "--formats", "txt", "-o", "out"
    assert_path_exists testpath/"out/a.vocab.json"
  end
end
