// An OpenSSL BIO over a Stream.  Internal to libcommon/tls.
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "libcommon/sys/stream.h"
#include "libcommon/tls/handles.h"

namespace mailroom::tls {

// What is on its way between OpenSSL and the stream below.  Exceptions of that stream cannot pass through
// OpenSSL: they are kept here, OpenSSL sees a BIO that failed or would block, and whoever called OpenSSL
// throws them on.
struct Transport {
  static constexpr std::size_t kBuffer = 16 * 1024 + 512;  // about one record

  explicit Transport(Stream& below) : stream{&below} {}

  Stream* stream;
  std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(kBuffer);
  std::string_view input;            // of `buffer`: read from the stream, not yet taken by OpenSSL
  std::string output;                // records not yet written to the stream
  std::exception_ptr read_failure;   // of the last read; after a timeout another one may succeed
  std::exception_ptr write_failure;  // for good: nobody knows how much of `output` has left
  bool ended = false;                // the stream's end has come

  // Writes `output` to the stream; false if that failed.
  bool flush() noexcept;
  // Reads into `input`, which is empty; false at the end or if that failed.  What is to be written goes
  // first: the peer may be waiting for it.
  bool fill() noexcept;
  // Throws what is kept, if anything.
  void throw_failure();
};

// `transport` must outlive the BIO.
BioHandle make_transport_bio(Transport& transport);

}  // namespace mailroom::tls
