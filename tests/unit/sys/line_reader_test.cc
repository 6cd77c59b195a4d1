#include "libcommon/sys/line_reader.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

namespace {

using namespace mailroom;

// Gives the input in pieces of a size.
class PieceStream : public Stream {
 public:
  PieceStream(std::string input, std::size_t piece) : input_{std::move(input)}, piece_{piece} {}
  std::size_t read(std::span<char> into) override {
    const std::size_t size = std::min({into.size(), piece_, input_.size() - at_});
    std::copy_n(input_.data() + at_, size, into.data());
    at_ += size;
    return size;
  }
  void write(std::string_view) override {}
  void set_deadline(std::chrono::steady_clock::time_point) override {}

 private:
  std::string input_;
  std::size_t piece_;
  std::size_t at_ = 0;
};

TEST_CASE("lines come whole, however the octets arrive") {
  for (const std::size_t piece : {1, 2, 3, 7, 100}) {
    PieceStream stream{"one\r\n\r\nthree\nrest", piece};
    LineReader reader{stream};
    CHECK(*reader.read_line(100) == "one\r\n");
    CHECK(*reader.read_line(100) == "\r\n");
    CHECK(*reader.read_line(100) == "three\n");
    CHECK(reader.read_line(100).error() == LineError::closed);
  }
}

TEST_CASE("a line of exactly the limit is taken, one octet more is not, and the next line is whole again") {
  for (const std::size_t piece : {1, 5, 64}) {
    PieceStream stream{"12345678\r\n123456789\r\nnext\r\n", piece};
    LineReader reader{stream};
    CHECK(*reader.read_line(10) == "12345678\r\n");
    CHECK(reader.read_line(10).error() == LineError::too_long);
    CHECK(*reader.read_line(10) == "next\r\n");
  }
}

TEST_CASE("an endless line is discarded in bounded memory") {
  PieceStream stream{std::string(1 << 20, 'x') + "\nafter\n", 4096};
  LineReader reader{stream};
  CHECK(reader.read_line(2048).error() == LineError::too_long);
  CHECK(*reader.read_line(2048) == "after\n");
}

TEST_CASE("counted octets and lines mix") {
  PieceStream stream{"4\nabcdline\n", 64};
  LineReader reader{stream};
  CHECK(*reader.read_line(10) == "4\n");
  CHECK(reader.has_buffered());
  CHECK(reader.read_some(4) == "abcd");
  CHECK(*reader.read_line(10) == "line\n");
  CHECK_FALSE(reader.has_buffered());
  CHECK(reader.read_some(10).empty());
}

TEST_CASE("the end of what was read is put back") {
  PieceStream stream{"abc.\r\nQUIT\r\n", 64};
  LineReader reader{stream};
  const std::size_t read = reader.read_some(64).size();
  reader.unread(read - 6);
  CHECK(*reader.read_line(10) == "QUIT\r\n");
}

TEST_CASE("what is preloaded comes before what is buffered") {
  PieceStream stream{"c\nd\n", 64};
  LineReader reader{stream};
  CHECK(*reader.read_line(10) == "c\n");
  reader.preload("a\nb");
  CHECK(*reader.read_line(10) == "a\n");
  CHECK(*reader.read_line(10) == "bd\n");
}

}  // namespace
