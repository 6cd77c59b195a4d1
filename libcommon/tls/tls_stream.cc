#include "libcommon/tls/tls_stream.h"

#include <openssl/err.h>

#include "libcommon/tls/library.h"
#include "libcommon/tls/server_state.h"
#include "libcommon/tls/transport_bio.h"

namespace mailroom::tls {

struct TlsStream::State {
  State(ServerContext::State& server, Stream& below) : context{server}, transport{below} {}

  ServerContext::State& context;
  Transport transport;
  ClientOffer offer;
  HandshakeFacts facts;
  bool broken = false;  // TLS has failed: no close_notify may follow (RFC 8446 6.2)
  SslHandle ssl;        // last, so that it goes before what it points to

  void handshake();
  [[noreturn]] void fail_handshake();
  [[noreturn]] void fail();
  void note_facts();
};

namespace {

std::string string_or_empty(const char* text) { return text != nullptr ? text : ""; }

}  // namespace

void TlsStream::State::note_facts() {
  const unsigned char* protocol = nullptr;
  unsigned protocol_size = 0;
  SSL_get0_alpn_selected(ssl.get(), &protocol, &protocol_size);
  facts.version = string_or_empty(SSL_get_version(ssl.get()));
  facts.suite = string_or_empty(SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl.get())));
  facts.server_name = offer.server_name;
  facts.protocol.assign(reinterpret_cast<const char*>(protocol), protocol_size);
}

void TlsStream::State::fail_handshake() {
  broken = true;
  transport.flush();  // the alert
  const std::string trouble = explain_failure(offer);
  const std::string& name = offer.server_name;
  if (!context.slot.failure.empty())
    throw HandshakeError(StreamError::Kind::failed, "no signature: " + context.slot.failure, name);
  try {
    transport.throw_failure();
  } catch (const StreamError& error) {
    throw HandshakeError(error.kind, std::string("during the handshake: ") + error.what(), name);
  }
  if (transport.ended)
    throw HandshakeError(StreamError::Kind::closed, "client closed during the handshake", name);
  throw HandshakeError(StreamError::Kind::failed, trouble, name);
}

void TlsStream::State::handshake() {
  ssl.reset(SSL_new(context.default_context()));
  if (!ssl) throw StreamError(StreamError::Kind::failed, "TLS: " + take_errors());
  set_offer_place(ssl.get(), &offer);
  context.slot.failure.clear();
  BIO* bio = make_transport_bio(transport).release();
  SSL_set_bio(ssl.get(), bio, bio);
  ERR_clear_error();
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

TlsStream::TlsStream(std::unique_ptr<State> state) : state_{std::move(state)} {}
TlsStream::~TlsStream() = default;

std::unique_ptr<TlsStream> TlsStream::accept(ServerContext& context, Stream& transport) {
  auto state = std::make_unique<State>(context.state(), transport);
  state->handshake();
  return std::unique_ptr<TlsStream>{new TlsStream{std::move(state)}};
}

TlsStream::Taken TlsStream::take(std::span<char> into) {
  SSL* const ssl = state_->ssl.get();
  std::size_t size = 0;
  ERR_clear_error();
  const int result = SSL_read_ex(ssl, into.data(), into.size(), &size);
  if (result == 1) return {Progress::bytes, size};
  switch (SSL_get_error(ssl, result)) {
  case SSL_ERROR_WANT_READ:
    state_->transport.throw_failure();
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
  return SSL_has_pending(state_->ssl.get()) == 1 || state_->transport.buffered() > 0;
}

void TlsStream::close() noexcept {
  if (state_->broken) return;
  state_->broken = true;
  SSL_shutdown(state_->ssl.get());
  state_->transport.flush();
  ERR_clear_error();
}

const HandshakeFacts& TlsStream::facts() const { return state_->facts; }

}  // namespace mailroom::tls
