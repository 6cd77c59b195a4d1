#include "libcommon/tls/record_stream.h"

#include <algorithm>
#include <array>

namespace mailroom::tls {
namespace {

constexpr std::size_t kInputBuffer = kRecordHeader + kMaxProtected;
constexpr std::size_t kOutputLimit = 64 * 1024;  // records gathered for one write to the transport

constexpr std::uint8_t kKeyUpdate = 24;  // HandshakeType, RFC 8446 4
constexpr char kFatal = 2;               // AlertLevel, RFC 8446 6
constexpr char kWarning = 1;

constexpr std::uint8_t number(ContentType type) { return static_cast<std::uint8_t>(type); }

Suite checked_suite(const RecordState& state) {
  if (!is_well_formed(state))
    throw StreamError(StreamError::Kind::failed, "the TLS state is not well formed");
  return state.suite;
}

std::size_t body_size(std::string_view header) {
  return static_cast<std::size_t>(static_cast<unsigned char>(header[3]) << 8 |
                                  static_cast<unsigned char>(header[4]));
}

}  // namespace

RecordStream::RecordStream(RecordState state, Stream& transport)
    : transport_{transport}, suite_{checked_suite(state)}, client_{RecordKey::Use::open, suite_,
                                                                   std::move(state.client_secret),
                                                                   state.client_sequence},
      server_{RecordKey::Use::seal, suite_, std::move(state.server_secret), state.server_sequence},
      update_owed_{state.update_owed}, plaintext_{std::move(state.plaintext)}, input_{std::move(
                                                                                   state.unopened)} {}

// ---- Reading.

std::size_t RecordStream::read(std::span<char> into) {
  for (;;) {
    const Taken taken = take(into);
    if (taken.progress != Progress::nothing) return taken.size;
  }
}

RecordStream::Taken RecordStream::take(std::span<char> into) {
  if (!plaintext().empty()) {
    const std::size_t size = plaintext().copy(into.data(), into.size());
    plaintext_begin_ += size;
    return {Progress::bytes, size};
  }
  if (ended_) return {Progress::end, 0};
  if (failed_) throw StreamError(StreamError::Kind::failed, "TLS has failed");
  return on_record(open_record(), into);
}

// What does not fit is kept for the next call.
RecordStream::Taken RecordStream::deliver(std::string_view content, std::span<char> into) {
  const std::size_t size = content.copy(into.data(), into.size());
  plaintext_.assign(content.substr(size));
  plaintext_begin_ = 0;
  return {Progress::bytes, size};
}

// Reads until `size` octets are in the buffer behind input_begin_.
bool RecordStream::need_input(std::size_t size) {
  while (input_.size() - input_begin_ < size) {
    input_.erase(0, input_begin_);
    input_begin_ = 0;
    const std::size_t have = input_.size();
    input_.resize(std::max(have + size, kInputBuffer));
    std::size_t got = 0;
    try {
      got = transport_.read(std::span{input_}.subspan(have));
    } catch (...) {  // a deadline: what has come is kept for the next attempt
      input_.resize(have);
      throw;
    }
    input_.resize(have + got);
    if (got == 0) return false;
  }
  return true;
}

// Takes one whole record.  Its content stays valid until the next is taken.
RecordStream::Record RecordStream::open_record() {
  const auto gone = [] {
    return StreamError(StreamError::Kind::closed, "the connection ended without close_notify");
  };
  if (!need_input(kRecordHeader)) throw gone();
  std::size_t size = body_size({input_.data() + input_begin_, kRecordHeader});
  if (static_cast<unsigned char>(input_[input_begin_]) != number(ContentType::application_data))
    fail(Alert::unexpected_message, "a record that is not protected");
  if (size > kMaxProtected) fail(Alert::record_overflow, "a record that is too long");
  if (!need_input(kRecordHeader + size)) throw gone();
  const std::string_view header{input_.data() + input_begin_, kRecordHeader};
  const auto inner = client_.open(header, {input_.data() + input_begin_ + kRecordHeader, size});
  input_begin_ += kRecordHeader + size;
  if (!inner) fail(Alert::bad_record_mac, "a record that is not authentic");
  if (inner->size() > kMaxFragment + 1) fail(Alert::record_overflow, "a record with too much content");
  std::string_view content{inner->data(), inner->size()};
  while (content.ends_with('\0')) content.remove_suffix(1);
  if (content.empty()) fail(Alert::unexpected_message, "a record without a type");
  return {static_cast<std::uint8_t>(content.back()), content.substr(0, content.size() - 1)};
}

RecordStream::Taken RecordStream::on_record(const Record& record, std::span<char> into) {
  switch (static_cast<ContentType>(record.type)) {
  case ContentType::application_data:
    if (record.content.empty()) {
      count_idle_record();
      return {Progress::nothing, 0};
    }
    idle_records_ = 0;
    return deliver(record.content, into);
  case ContentType::alert:
    return {on_alert(record.content), 0};
  case ContentType::handshake:
    on_handshake(record.content);
    return {Progress::nothing, 0};
  default:
    fail(Alert::unexpected_message, "a record of an unknown type");
  }
}

// RFC 8446 6: the level does not count; all but these two are the end.
RecordStream::Progress RecordStream::on_alert(std::string_view content) {
  if (content.size() != 2) fail(Alert::decode_error, "an alert of a wrong length");
  const auto alert = static_cast<Alert>(content[1]);
  if (alert == Alert::user_canceled) {
    count_idle_record();
    return Progress::nothing;
  }
  if (alert == Alert::close_notify) {
    ended_ = true;
    return Progress::end;
  }
  failed_ = broken_ = true;
  throw StreamError(StreamError::Kind::failed,
                    "TLS: the client sent alert " + std::to_string(static_cast<unsigned char>(content[1])));
}

// RFC 8446 4.6.3: after the handshake a client has nothing to say but KeyUpdate, and that ends its record
// (5.1).
void RecordStream::on_handshake(std::string_view content) {
  constexpr std::string_view kUpdate{"\x18\x00\x00\x01", 4};
  static_assert(kUpdate[0] == kKeyUpdate);
  if (content.size() != kUpdate.size() + 1 || !content.starts_with(kUpdate))
    fail(Alert::unexpected_message, "a handshake message that is no KeyUpdate");
  const char request = content.back();
  if (request != 0 && request != 1)
    fail(Alert::illegal_parameter, "a KeyUpdate that asks for something unknown");
  count_idle_record();
  client_.update();
  if (request == 1) update_owed_ = true;  // sent before our next content, however often it was asked for
}

void RecordStream::count_idle_record() {
  if (++idle_records_ > kMaxIdleRecords) fail(Alert::unexpected_message, "too many records without content");
}

// ---- Writing.

void RecordStream::write(std::string_view bytes) {
  if (broken_) throw StreamError(StreamError::Kind::closed, "TLS has ended");
  std::string out;
  while (!bytes.empty()) {
    if (update_owed_ || server_.sequence() >= kRecordsOfOneKey) {
      server_.seal(number(ContentType::handshake), {"\x18\x00\x00\x01\x00", 5}, out);
      server_.update();
      update_owed_ = false;
    }
    server_.seal(number(ContentType::application_data), bytes.substr(0, kMaxFragment), out);
    bytes.remove_prefix(std::min(bytes.size(), kMaxFragment));
    if (out.size() < kOutputLimit && !bytes.empty()) continue;
    broken_ = true;  // unless all of it leaves
    transport_.write(out);
    broken_ = false;
    out.clear();
  }
}

void RecordStream::close() noexcept {
  if (broken_) return;
  broken_ = true;
  try {
    std::string out;
    server_.seal(number(ContentType::alert), std::string{kWarning, static_cast<char>(Alert::close_notify)},
                 out);
    transport_.write(out);
  } catch (...) {  // the client will notice
  }
}

void RecordStream::fail(Alert alert, const char* what) {
  failed_ = true;
  if (!broken_) {
    broken_ = true;
    std::string out;
    server_.seal(number(ContentType::alert), std::string{kFatal, static_cast<char>(alert)}, out);
    try {
      transport_.write(out);
    } catch (const StreamError&) {  // what is wrong with the client counts
    }
  }
  throw StreamError(StreamError::Kind::failed, std::string("TLS: the client sent ") + what);
}

RecordState RecordStream::release() && {
  return {.suite = suite_,
          .update_owed = update_owed_,
          .client_secret = client_.secret(),
          .server_secret = server_.secret(),
          .client_sequence = client_.sequence(),
          .server_sequence = server_.sequence(),
          .plaintext = std::string(plaintext()),
          .unopened = input_.substr(input_begin_)};
}

}  // namespace mailroom::tls
