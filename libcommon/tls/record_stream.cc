#include "libcommon/tls/record_stream.h"

#include <algorithm>
#include <array>

#include "libcommon/protocol/tls/message_type.h"

namespace mailroom::tls {
namespace {

constexpr std::size_t kInputBuffer = kRecordHeader + kMaxProtected;
constexpr std::size_t kOutputLimit = 64 * 1024;  // records gathered for one write to the transport

constexpr char kFatal = 2;  // AlertLevel, RFC 8446 6
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
  while (!is_ready()) {
    while (buffered() < needed())
      if (!fill()) throw StreamError(StreamError::Kind::closed, "the connection ended without close_notify");
    if (const std::size_t size = on_record(open_record(), into); size > 0) return size;
  }
  if (failed_) throw StreamError(StreamError::Kind::failed, "TLS has failed");
  const std::size_t size = plaintext().copy(into.data(), into.size());
  plaintext_begin_ += size;
  return size;
}

bool RecordStream::has_input() {
  while (!is_ready() && buffered() >= needed()) on_record(open_record(), {});
  return is_ready();
}

// The transport's end is for read() to find.
bool RecordStream::absorb() { return has_input() || !fill() || has_input(); }

bool RecordStream::fill() {
  input_.erase(0, input_begin_);
  input_begin_ = 0;
  const std::size_t have = input_.size();
  input_.resize(have + kInputBuffer);
  std::size_t got = 0;
  try {
    got = transport_.read(std::span{input_}.subspan(have));
  } catch (...) {  // a deadline: what has come is kept for the next attempt
    input_.resize(have);
    throw;
  }
  input_.resize(have + got);
  return got > 0;
}

std::size_t RecordStream::needed() {
  if (buffered() < kRecordHeader) return kRecordHeader;
  const std::string_view header{input_.data() + input_begin_, kRecordHeader};
  if (static_cast<unsigned char>(header[0]) != number(ContentType::application_data))
    fail(Alert::unexpected_message, "a record that is not protected");
  if (body_size(header) > kMaxProtected) fail(Alert::record_overflow, "a record that is too long");
  return kRecordHeader + body_size(header);
}

// Takes one whole record out of the buffer.  Its content stays valid until the next fill().
RecordStream::Record RecordStream::open_record() {
  const std::string_view header{input_.data() + input_begin_, kRecordHeader};
  const std::span body{input_.data() + input_begin_ + kRecordHeader, body_size(header)};
  const auto inner = client_.open(header, body);
  input_begin_ += kRecordHeader + body.size();
  if (!inner) fail(Alert::bad_record_mac, "a record that is not authentic");
  if (inner->size() > kMaxFragment + 1) fail(Alert::record_overflow, "a record with too much content");
  std::string_view content{inner->data(), inner->size()};
  while (content.ends_with('\0')) content.remove_suffix(1);
  if (content.empty()) fail(Alert::unexpected_message, "a record without a type");
  return {static_cast<std::uint8_t>(content.back()), content.substr(0, content.size() - 1)};
}

// The octets delivered, 0 for a record without any.
std::size_t RecordStream::on_record(const Record& record, std::span<char> into) {
  switch (static_cast<ContentType>(record.type)) {
  case ContentType::application_data:
    return deliver(record.content, into);
  case ContentType::alert:
    on_alert(record.content);
    return 0;
  case ContentType::handshake:
    on_handshake(record.content);
    return 0;
  default:
    fail(Alert::unexpected_message, "a record of an unknown type");
  }
}

// What does not fit is kept for the next read.
std::size_t RecordStream::deliver(std::string_view content, std::span<char> into) {
  if (content.empty()) {
    count_idle_record();
    return 0;
  }
  idle_records_ = 0;
  const std::size_t size = content.copy(into.data(), into.size());
  plaintext_.assign(content.substr(size));
  plaintext_begin_ = 0;
  return size;
}

// RFC 8446 6: the level does not count; all but these two are the end.
void RecordStream::on_alert(std::string_view content) {
  if (content.size() != 2) fail(Alert::decode_error, "an alert of a wrong length");
  const auto alert = static_cast<Alert>(content[1]);
  if (alert == Alert::user_canceled) return count_idle_record();
  if (alert == Alert::close_notify) {
    ended_ = true;
    return;
  }
  failed_ = broken_ = true;
  throw StreamError(StreamError::Kind::failed,
                    "TLS: the client sent alert " + std::to_string(static_cast<unsigned char>(content[1])));
}

// RFC 8446 4.6.3: after the handshake a client has nothing to say but KeyUpdate, and that ends its record
// (5.1).
void RecordStream::on_handshake(std::string_view content) {
  constexpr std::string_view kUpdate{"\x18\x00\x00\x01", 4};
  static_assert(kUpdate[0] == static_cast<std::uint8_t>(MessageType::key_update));
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
