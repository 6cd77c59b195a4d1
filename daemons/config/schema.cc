#include "daemons/config/tables.h"

namespace mailroom::config {

namespace {

// The member of a Config that a table is about, const or not as the Config is.
template <auto Member>
constexpr auto part = [](auto& config) -> auto& {
  return config.*Member;
};

template <auto Member>
constexpr auto connections_of = [](auto& config) -> auto& {
  return (config.*Member).connections;
};

Schema<Config> make_schema() {
  Schema<Config> schema;
  schema.add(
      "", instance_keys(), [](auto& config) -> auto& { return config; });
  schema.add("", tls_policy_keys(), part<&Config::outbound_tls>);
  schema.add(
      "", access_keys(), [](auto& config) -> auto& { return config; });
  schema.add("", directory_keys(), part<&Config::directories>);
  schema.add("", uid_keys(), part<&Config::uids>);
  schema.add("smtpd.", connection_keys(), connections_of<&Config::smtpd>);
  schema.add("smtpd.", smtpd_keys(), part<&Config::smtpd>);
  schema.add("pop3d.", connection_keys(), connections_of<&Config::pop3d>);
  schema.add("pop3d.", pop3d_keys(), part<&Config::pop3d>);
  schema.add("imapd.", connection_keys(), connections_of<&Config::imapd>);
  schema.add("imapd.", imapd_keys(), part<&Config::imapd>);
  schema.add("mailbox.", mailbox_keys(), part<&Config::mailbox>);
  schema.add("authd.", authd_keys(), part<&Config::authd>);
  schema.add("kerberos.", kerberos_keys(), part<&Config::kerberos>);
  schema.add("client-certificate.", client_certificate_keys(), part<&Config::client_certificate>);
  schema.add("policyd.", policyd_keys(), part<&Config::policyd>);
  schema.add("queued.", queued_keys(), part<&Config::queued>);
  schema.add("routing.", routing_keys(), part<&Config::routing>);
  schema.add("deliverd.", deliverd_keys(), part<&Config::deliverd>);
  schema.add("relayd.", relayd_keys(), part<&Config::relayd>);
  schema.add("relayd.", outbound_tls_keys(), part<&Config::outbound_tls>);
  schema.add("stsd.", stsd_keys(), part<&Config::stsd>);
  schema.add("dnsd.", dnsd_keys(), part<&Config::dnsd>);
  return schema;
}

}  // namespace

const Schema<Config>& schema() {
  static const Schema<Config> kSchema = make_schema();
  return kSchema;
}

}  // namespace mailroom::config
