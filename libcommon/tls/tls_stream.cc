#include "libcommon/tls/tls_stream.h"

#include <openssl/err.h>

#include "libcommon/tls/library.h"
#include "libcommon/tls/record_key.h"
#include "libcommon/tls/stream_state.h"

namespace mailroom::tls {
namespace {

std::string string_or_empty(const char* text) { return text != nullptr ? text : ""; }

}  // namespace

void TlsStream::State::note_facts() {
  const unsigned char* protocol = nullptr;
  unsigned protocol_size = 0;
  SSL_get0_alpn_selected(ssl.get(), &protocol, &protocol_size);
  facts.version = string_or_empty(SSL_get_version(ssl.get()));
  facts.suite = string_or_empty(SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl.get())));
  facts.server_name = notes.offer.server_name;
  facts.protocol.assign(reinterpret_cast<const char*>(protocol), protocol_size);
}

void TlsStream::State::fail_handshake() {
  broken = true;
  transport.flush();  // the alert
  const std::string trouble = explain_failure(ssl.get(), notes.offer);
  const std::string& name = notes.offer.server_name;
  if (!server->slot.failure.empty())
    throw HandshakeError(StreamError::Kind::failed, "no signature: " + server->slot.failure, name);
  try {
    transport.throw_failure();
  } catch (const StreamError& error) {
    throw HandshakeError(error.kind, std::string("during the handshake: ") + error.what(), name);
  }
  if (transport.ended)
    throw HandshakeError(StreamError::Kind::closed, "client closed during the handshake", name);
  throw HandshakeError(StreamError::Kind::failed, trouble, name);
}

void TlsStream::State::make_ssl(SSL_CTX* rules) {
  ssl.reset(SSL_new(rules));
  if (!ssl) throw StreamError(StreamError::Kind::failed, "TLS: " + take_errors());
  BIO* bio = make_transport_bio(transport).release();
  SSL_set_bio(ssl.get(), bio, bio);
  ERR_clear_error();
}

void TlsStream::State::handshake() {
  make_ssl(server->default_context());
  take_notes(ssl.get(), notes);
  if (!server->client_authorities.empty()) notes.handshake.begin();
  server->slot.failure.clear();
  if (notes.tolerance && !tolerate(ssl.get(), *notes.tolerance))
    throw StreamError(StreamError::Kind::failed, "TLS: " + take_errors());
  if (SSL_accept(ssl.get()) != 1 || !transport.flush()) fail_handshake();
  note_facts();
}

// After a failed operation other than the handshake.
void TlsStream::State::fail() {
  broken = true;
  const std::string trouble = take_errors();
  transport.flush();  // the alert
  transport.throw_failure();
  if (transport.ended)
    throw StreamError(StreamError::Kind::closed, "the connection ended without close_notify");
  throw StreamError(StreamError::Kind::failed, "TLS: " + trouble);
}

void TlsStream::State::count_idle_record() {
  if (++idle_records <= kMaxIdleRecords) return;
  broken = true;
  throw StreamError(StreamError::Kind::failed, "TLS: the peer sent too many records without content");
}

void TlsStream::State::must_be_ours() const {
  if (released)
    throw StreamError(StreamError::Kind::closed, "the TLS connection has moved to another process");
}

TlsStream::TlsStream(std::unique_ptr<State> state) : state_{std::move(state)} {}
TlsStream::~TlsStream() = default;

std::unique_ptr<TlsStream> TlsStream::accept(ServerContext& context, Stream& transport,
                                             const std::optional<Tolerance>& tolerance) {
  auto state = std::make_unique<State>(&context.state(), transport);
  state->notes.tolerance = tolerance;
  state->handshake();
  return std::unique_ptr<TlsStream>{new TlsStream{std::move(state)}};
}

TlsStream::Taken TlsStream::take(std::span<char> into) {
  state_->must_be_ours();
  SSL* const ssl = state_->ssl.get();
  std::size_t size = 0;
  ERR_clear_error();
  const int result = SSL_read_ex(ssl, into.data(), into.size(), &size);
  if (result == 1) {
    state_->idle_records = 0;
    return {Progress::bytes, size};
  }
  switch (SSL_get_error(ssl, result)) {
  case SSL_ERROR_WANT_READ:
    state_->interrupted = state_->interrupted || state_->transport.read_failure;
    state_->transport.throw_failure();
    state_->count_idle_record();
    return {Progress::nothing, 0};  // a record without application data
  case SSL_ERROR_ZERO_RETURN:
    return {Progress::end, 0};
  default:
    state_->fail();
  }
}

std::size_t TlsStream::read(std::span<char> into) {
  for (;;) {
    const Taken taken = take(into);
    if (taken.progress != Progress::nothing) return taken.size;
  }
}

void TlsStream::write(std::string_view bytes) {
  state_->must_be_ours();
  if (bytes.empty()) return;
  std::size_t written = 0;
  ERR_clear_error();
  const int result = SSL_write_ex(state_->ssl.get(), bytes.data(), bytes.size(), &written);
  if (result != 1 || !state_->transport.flush()) state_->fail();
}

void TlsStream::set_deadline(std::chrono::steady_clock::time_point deadline) {
  state_->transport.stream->set_deadline(deadline);
}

bool TlsStream::has_buffered() const {
  return SSL_has_pending(state_->ssl.get()) == 1 || !state_->transport.input.empty();
}

std::optional<RecordState> TlsStream::release() {
  SSL* const ssl = state_->ssl.get();
  const TrafficKeys& traffic = state_->notes.traffic;
  const auto suite = suite_of(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl)));
  if (state_->server == nullptr || !state_->server->may_move || state_->broken || state_->released ||
      state_->interrupted || traffic.updated || !suite)
    return {};
  if (!state_->transport.flush()) state_->fail();
  RecordState state{.suite = *suite,
                    .client_secret = traffic.client_secret,
                    .server_secret = traffic.server_secret,
                    .client_sequence = traffic.client_records,
                    .server_sequence = traffic.server_records,
                    .plaintext = std::string(static_cast<std::size_t>(SSL_pending(ssl)), '\0'),
                    .unopened = std::string{state_->transport.input}};
  std::size_t size = 0;
  if (!state.plaintext.empty() &&
      SSL_read_ex(ssl, state.plaintext.data(), state.plaintext.size(), &size) != 1)
    state_->fail();
  state_->released = true;
  return state;
}

void TlsStream::reclaim() { state_->released = false; }

void TlsStream::close() noexcept {
  if (state_->broken || state_->released) return;
  state_->broken = true;
  SSL_shutdown(state_->ssl.get());
  state_->transport.flush();
  ERR_clear_error();
}

const std::string& TlsStream::client_handshake() const { return state_->notes.handshake.messages(); }

const HandshakeFacts& TlsStream::facts() const { return state_->facts; }

}  // namespace mailroom::tls
