// The inside of a TlsStream.  Internal to libcommon/tls.
#pragma once

#include "libcommon/tls/server_state.h"
#include "libcommon/tls/tls_stream.h"
#include "libcommon/tls/transport_bio.h"

namespace mailroom::tls {

struct TlsStream::State {
  // `rules` is null in a client.
  State(ServerContext::State* rules, Stream& below) : server{rules}, transport{below} {}

  ServerContext::State* server;
  Transport transport;
  ConnectionNotes notes;  // a server's; empty in a client, which therefore can release nothing
  HandshakeFacts facts;
  int idle_records = 0;      // taken in a row
  bool interrupted = false;  // a read has timed out, perhaps within a record
  bool released = false;     // another process has the connection
  bool broken = false;       // TLS has failed: no close_notify may follow (RFC 8446 6.2)
  SslHandle ssl;             // last, so that it goes before what it points to

  // An SSL object over the transport; throws StreamError.
  void make_ssl(SSL_CTX* rules);
  // The server's.
  void handshake();
  void note_facts();
  [[noreturn]] void fail_handshake();
  [[noreturn]] void fail();
  void count_idle_record();
  void must_be_ours() const;
};

}  // namespace mailroom::tls
