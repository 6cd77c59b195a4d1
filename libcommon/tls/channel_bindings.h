// What two ends of one TLS connection know and nobody between them does: a login that is bound to it is of no
// use on any other connection.
#pragma once

#include <string>
#include <tuple>

namespace mailroom::tls {

inline constexpr const char* kExporterBinding = "tls-exporter";
inline constexpr const char* kServerEndPointBinding = "tls-server-end-point";

struct ChannelBindings {
  std::string exporter;          // RFC 9266: of this connection alone; empty below TLS 1.3
  std::string server_end_point;  // RFC 5929 4: of our certificate; empty for a signature without a hash
  static auto fields(auto& m) { return std::tie(m.exporter, m.server_end_point); }
};

}  // namespace mailroom::tls
