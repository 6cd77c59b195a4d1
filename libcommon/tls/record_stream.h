// A TLS 1.3 connection after its handshake, without an SSL object: the record layer alone (RFC 8446 section
// 5, 4.6.3, 6).
//
// A session process goes on with it where TlsStream::release() in another process has left off.
#pragma once

#include <string>

#include "libcommon/sys/stream.h"
#include "libcommon/tls/record_key.h"
#include "libcommon/tls/record_state.h"

namespace mailroom::tls {

// Records that we protect with one key before we update it; AES-GCM allows some 2^24.5 (RFC 8446 5.5).
inline constexpr std::uint64_t kRecordsOfOneKey = std::uint64_t{1} << 23;
// RFC 8446 6
enum class Alert : std::uint8_t {
  close_notify = 0,
  unexpected_message = 10,
  bad_record_mac = 20,
  record_overflow = 22,
  illegal_parameter = 47,
  decode_error = 50,
  user_canceled = 90,
};

class RecordStream : public Stream {
 public:
  // Throws StreamError{failed} when the state is not well formed.
  RecordStream(RecordState state, Stream& transport);

  // As TlsStream: the orderly end is close_notify.  A record that is not as it must be is answered with its
  // alert, then StreamError{failed} is thrown.
  std::size_t read(std::span<char> into) override;
  void write(std::string_view bytes) override;
  void set_deadline(std::chrono::steady_clock::time_point deadline) override {
    transport_.set_deadline(deadline);
  }

  // Whether read() would return (or throw) at once, by what has been taken from the transport already.
  bool has_input() override;
  // Once the transport is readable: takes what it has, without waiting for the rest of a record.  As
  // has_input() then.
  bool absorb() override;

  // Sends close_notify, for what it is worth: never throws.  Nothing may be written afterwards.
  void close() noexcept;

  // What another process needs to go on (a parked connection).  This object must not be used afterwards.
  RecordState release() &&;

 private:
  struct Record {
    std::uint8_t type;  // of the inner plaintext
    std::string_view content;
  };

  std::string_view plaintext() const {
    return {plaintext_.data() + plaintext_begin_, plaintext_.size() - plaintext_begin_};
  }
  bool is_ready() const { return ended_ || failed_ || !plaintext().empty(); }
  bool fill();           // false at the transport's end
  std::size_t needed();  // octets in the buffer that the next record takes, as far as is known
  std::size_t buffered() const { return input_.size() - input_begin_; }
  Record open_record();
  std::size_t on_record(const Record& record, std::span<char> into);
  std::size_t deliver(std::string_view content, std::span<char> into);
  void on_alert(std::string_view content);
  void on_handshake(std::string_view content);
  void count_idle_record();
  [[noreturn]] void fail(Alert alert, const char* what);

  Stream& transport_;
  Suite suite_;
  RecordKey client_;
  RecordKey server_;
  bool update_owed_;
  bool ended_ = false;   // the client's close_notify has come
  bool failed_ = false;  // nothing may be read any more
  bool broken_ = false;  // nothing may be sent any more
  int idle_records_ = 0;
  std::string plaintext_;
  std::size_t plaintext_begin_ = 0;
  std::string input_;
  std::size_t input_begin_ = 0;
};

}  // namespace mailroom::tls
