// One TLS connection over another stream: the server's end, or the client's (ClientContext::start).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "libcommon/sys/stream.h"
#include "libcommon/tls/channel_bindings.h"
#include "libcommon/tls/record_state.h"
#include "libcommon/tls/server_context.h"

namespace mailroom::tls {

// What a handshake came to, for the log and for Received lines.
struct HandshakeFacts {
  std::string version;      // "TLSv1.3"
  std::string suite;        // RFC name, "TLS_AES_128_GCM_SHA256"
  std::string server_name;  // SNI as the client wrote it; empty: none
  std::string protocol;     // ALPN, empty: none
  std::string trouble;      // a client's with report_only: RFC 8460 4.3 result type of what is wrong
};

// The handshake did not come to an end.  what() says in words what was missing; kind is `failed` where TLS
// itself failed, and `timeout` or `closed` where the transport did.
struct HandshakeError : StreamError {
  HandshakeError(Kind k, const std::string& trouble, std::string name)
      : StreamError(k, trouble), server_name{std::move(name)} {}
  std::string server_name;
};

class TlsStream : public Stream {
 public:
  // Does the handshake, with that tolerance in place of the context's.  The transport's deadline holds for
  // it; the context's signer is asked.  Both must outlive the stream. Precondition: nothing that the client
  // sent before TLS is buffered above the transport (SECURITY.md V2).
  static std::unique_ptr<TlsStream> accept(ServerContext& context, Stream& transport,
                                           const std::optional<Tolerance>& tolerance = {});
  ~TlsStream() override;

  // As Stream says.  The orderly end is close_notify; the end of the transport without one is
  // StreamError{closed} (RFC 8446 6.1: it may be an attacker's).
  std::size_t read(std::span<char> into) override;
  void write(std::string_view bytes) override;
  void set_deadline(std::chrono::steady_clock::time_point deadline) override;

  // Like read, for a relay that waits on several descriptors: takes at most one record from the transport and
  // may return `nothing` when that was none of application data.  Blocks only for the rest of a record that
  // has begun to arrive.
  enum class Progress { bytes, nothing, end };
  struct Taken {
    Progress progress;
    std::size_t size;
  };
  Taken take(std::span<char> into);

  // Whether take() has something to work on without the transport becoming readable.
  bool has_buffered() const;

  // What another process needs to go on with the connection (RecordStream).  From now on this object reads
  // and writes nothing and sends no close_notify: two users of the same keys would give them away.  Nothing
  // for TLS 1.2, whose records are protected in another way, after a key update, whose secrets OpenSSL
  // does not show, for a client, and where connections may not move (ServerSettings::may_move): then this
  // process stays, and all is as it was.
  std::optional<RecordState> release();
  // Nobody has gone on with what release() gave, nor will: this object may be used to say so to the client.
  void reclaim();

  // Sends close_notify, for what it is worth: never throws.  Nothing may be written afterwards.
  void close() noexcept;

  const HandshakeFacts& facts() const;

  // The messages of the handshake, from ClientHello to the client's CertificateVerify, where the server has
  // asked for a certificate and the client has proved one; else empty.  At most kMaxHandshake
  // octets; of a longer one there is nothing.
  const std::string& client_handshake() const;

  // Of the server's end.  Whether there is an exporter's is known at once; to compute them takes some
  // microseconds.
  bool has_exporter_binding() const;
  ChannelBindings bindings() const;

  struct State;  // of libcommon/tls
  explicit TlsStream(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace mailroom::tls
