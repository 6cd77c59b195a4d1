// A byte stream to one client.  Protocol sessions know only this interface: a plain socket, a TLS connection
// and a transcript in a test all implement it, and TLS hand-over changes nothing above it.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mailroom {

// What ends one connection: thrown by streams and sessions, caught at the top of the connection's process.
struct StreamError : std::runtime_error {
  enum class Kind { closed, timeout, failed };
  StreamError(Kind k, const std::string& what) : std::runtime_error(what), kind{k} {}
  Kind kind;
};

// It is not the peer: this process is to end.
struct Stopped : StreamError {
  Stopped() : StreamError(Kind::closed, "the service ends this connection") {}
};

class Stream {
 public:
  virtual ~Stream() = default;

  // Blocks until at least one byte is there; returns 0 at the peer's orderly end of stream.  Throws
  // StreamError.
  virtual std::size_t read(std::span<char> into) = 0;

  // Sends all bytes, blocking.  Throws StreamError.
  virtual void write(std::string_view bytes) = 0;

  // From now on a read or write that has not finished by then throws StreamError{timeout}.  A deadline
  // belongs to a command or a connection and is never pushed forward by single bytes (SECURITY.md V11).
  virtual void set_deadline(std::chrono::steady_clock::time_point deadline) = 0;

  // For whoever waits by poll(2) on the descriptor below.  Whether read() would return (or throw) at once, by
  // what has been taken from that descriptor already.
  virtual bool has_input() { return false; }
  // Once the descriptor is readable: takes what is there, without waiting for more, and says as has_input()
  // then; false for what brings nothing to read (part of a TLS record, a key update).
  virtual bool absorb() { return true; }
};

}  // namespace mailroom
