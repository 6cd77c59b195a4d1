// All that an operator may change, as constant values.
//
// mailroomd, the supervisor and mr-conf parse the configuration file into a Config by the key tables in
// daemons/config/; every daemon gets the result as one sealed block at its start (daemons/daemon.h) and opens
// no configuration file itself.  A default here is the default of the key; bounds, units, help and reload
// behaviour are in the tables.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "daemons/channels/types.h"
#include "daemons/log_level.h"
#include "libcommon/config/duration.h"
#include "libcommon/policy/certificate_rule.h"
#include "libcommon/policy/limits.h"
#include "libcommon/policy/quirks.h"
#include "libcommon/routing/fixed_route.h"
#include "libcommon/routing/transport.h"
#include "libcommon/sys/ip_address.h"
#include "libcommon/sys/ip_network.h"

namespace mailroom {

enum class TlsMode : std::uint8_t {
  none,      // no TLS at all
  starttls,  // STARTTLS (RFC 3207, RFC 2595) or STLS
  implicit,  // TLS from the first octet (RFC 8314)
  kLast = implicit
};

enum class PlaintextLogin : std::uint8_t { refused, allowed, kLast = allowed };

using policy::TlsVersion;
using QuirksConfig = policy::Quirks;

// listen smtp mx 0.0.0.0:25 starttls
// listen smtp submission [::]:465 implicit
// listen imap 127.0.0.1:143 starttls plaintext-login
struct ListenerConfig {
  Service service =
      Service::mx;  // mx takes mail for local recipients, submission only after login (RFC 6409)
  TlsMode tls = TlsMode::starttls;
  PlaintextLogin plaintext_login = PlaintextLogin::refused;  // logins without TLS
  bool client_certificate = false;                           // asked for, never demanded
  IpAddress address;                                         // with the port
  QuirksConfig quirks;

  bool operator==(const ListenerConfig&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.service, m.tls, m.plaintext_login, m.client_certificate, m.address, m.quirks);
  }
};

// certificate NAME[,NAME...] CHAINFILE KEYFILE.  The first is used where no name matches the client's SNI.
struct CertificateConfig {
  std::vector<std::string> names;  // lower-case host names; the leftmost label may be "*"
  std::string chain_file;
  std::string
      key_file;  // opened by the supervisor, and only for keyd, which gets the descriptors in this order
  std::string chain_pem;  // the content of chain_file, leaf first

  bool operator==(const CertificateConfig&) const = default;
  static auto fields(auto& m) { return std::tie(m.names, m.chain_file, m.key_file, m.chain_pem); }
};

// route DOMAIN smtp|smtps|lmtp HOST[:PORT] [tls=LEVEL] [auth]
// route DOMAIN lmtp unix:NAME
using RouteConfig = routing::FixedRoute;

// TLS to other hosts.  tls-policy DOMAIN LEVEL [NAME ...]
struct OutboundTlsConfig {
  std::vector<routing::TlsPolicy> policies;               // no two of one domain
  routing::TlsWish others = routing::TlsWish::published;  // of domains without one
  std::string ca_file =
      "/etc/ssl/certs/ca-certificates.crt";  // read by stsd as its own uid; relayd has it opened
  bool old_versions = false;

  bool operator==(const OutboundTlsConfig&) const = default;
  static auto fields(auto& m) { return std::tie(m.policies, m.others, m.ca_file, m.old_versions); }
};

// network campus 10.0.0.0/8 2001:db8::/32.  Networks may overlap: a campus network may be behind NAT.
enum class NetworkKind : std::uint8_t {
  campus,  // sends through smtp outgoing without login
  nat,     // many people or devices behind each address
  cloud,   // addresses that belong to somebody else tomorrow
  kLast = cloud
};
struct NetworkConfig {
  NetworkKind kind = NetworkKind::campus;
  IpNetwork prefix;

  bool operator==(const NetworkConfig&) const = default;
  static auto fields(auto& m) { return std::tie(m.kind, m.prefix); }
};

// Nothing else on the machine may use these numbers as uid or gid; none of them needs a passwd entry.
struct UidConfig {
  std::uint32_t daemons = 980'000;  // + the process's offset in daemons/processes.h
  std::uint32_t login = 981'000;    // the pool of processes before login, one uid for each live process
  std::uint32_t login_count = 16'000;
  std::uint32_t accounts = 1'000'000;  // + account id, which starts at 1
  std::uint32_t accounts_count = 1'000'000;

  bool operator==(const UidConfig&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.daemons, m.login, m.login_count, m.accounts, m.accounts_count);
  }
};

struct DirectoryConfig {
  std::string spool = "/var/spool/mailroom";  // queue/ and mail/
  std::string state = "/var/lib/mailroom";    // policyd/ and authd/
  std::string run = "/run/mailroom";          // control sockets of the tools, and the empty root directory
  std::string libexec = "/usr/local/libexec/mailroom";

  bool operator==(const DirectoryConfig&) const = default;
  static auto fields(auto& m) { return std::tie(m.spool, m.state, m.run, m.libexec); }
};

// What the accepting side of a service allows.
struct ConnectionLimits {
  std::uint32_t total = 1'000;     // connections of this service before login (SMTP: to their end)
  std::uint32_t per_address = 50;  // the same, from one client address (IPv6: one /64)
  std::uint32_t sessions = 4'000;  // sessions after login
  std::uint32_t per_account = 50;  // sessions of one account

  bool operator==(const ConnectionLimits&) const = default;
  static auto fields(auto& m) { return std::tie(m.total, m.per_address, m.sessions, m.per_account); }
};

struct SmtpdConfig {
  ConnectionLimits connections;
  Duration command_timeout = std::chrono::minutes{5};  // RFC 5321 4.5.3.2.7
  Duration data_timeout = std::chrono::minutes{3};     // between two blocks of content, RFC 5321 4.5.3.2.5
  Duration session_timeout = std::chrono::hours{4};    // a whole connection
  Duration error_delay =
      std::chrono::seconds{1};  // before each refusal once the half of max_errors has passed
  std::uint64_t max_message_size = 50 * 1024 * 1024;  // RFC 1870
  std::uint64_t min_data_rate = 500;      // octets in a second, averaged over the content of one message
  std::uint32_t max_recipients = 1'000;   // of one message; RFC 5321 4.5.3.1.8 asks for at least 100
  std::uint32_t max_messages = 1'000;     // of one connection
  std::uint32_t max_errors = 20;          // refused commands, then 421
  std::uint32_t max_idle_commands = 100;  // NOOP, RSET, VRFY, HELP, EHLO in a row, then 421
  std::uint32_t max_received = 100;       // Received lines, RFC 5321 6.3

  bool operator==(const SmtpdConfig&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.connections, m.command_timeout, m.data_timeout, m.session_timeout, m.error_delay,
                    m.max_message_size, m.min_data_rate, m.max_recipients, m.max_messages, m.max_errors,
                    m.max_idle_commands, m.max_received);
  }
};

struct Pop3dConfig {
  ConnectionLimits connections;
  Duration login_timeout = std::chrono::minutes{2};  // from connection to login, as a whole
  Duration idle_timeout = std::chrono::minutes{10};  // RFC 1939 section 3: at least 10 minutes
  std::uint32_t max_errors = 10;  // unknown or malformed commands, then the connection ends

  bool operator==(const Pop3dConfig&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.connections, m.login_timeout, m.idle_timeout, m.max_errors);
  }
};

struct ImapdConfig {
  ConnectionLimits connections;
  Duration login_timeout = std::chrono::minutes{3};
  Duration idle_timeout = std::chrono::minutes{30};   // RFC 3501 section 5.4: at least 30 minutes
  std::uint64_t append_limit = 64 * 1024 * 1024;      // the largest message of APPEND
  std::uint64_t max_command_size = 64 * 1024;         // one command without the literal of APPEND
  std::uint32_t max_errors = 20;                      // BAD answers, then BYE
  Duration poll_interval = std::chrono::seconds{15};  // looks for changes where the kernel gives no watch

  bool operator==(const ImapdConfig&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.connections, m.login_timeout, m.idle_timeout, m.append_limit, m.max_command_size,
                    m.max_errors, m.poll_interval);
  }
};

// The index of one account's mailbox, for deliverd's readers, the sessions and mr-mailbox.
struct MailboxConfig {
  std::uint64_t index_map_size =
      std::uint64_t{8} * 1024 * 1024 * 1024;           // sparse; bounds the index, not the mail
  Duration snapshot_interval = std::chrono::hours{1};  // a session writes one at most this often

  bool operator==(const MailboxConfig&) const = default;
  static auto fields(auto& m) { return std::tie(m.index_map_size, m.snapshot_interval); }
};

struct AuthdConfig {
  Duration failure_delay = std::chrono::seconds{2};    // before the answer to a wrong password
  Duration failure_window = std::chrono::minutes{15};  // how long a failure counts
  std::uint32_t account_failures = 20;  // within the window, then every answer for the name is delayed
  std::uint32_t address_failures = 60;  // the same for the client address (IPv6: one /64), then refused
  Duration max_failure_delay = std::chrono::seconds{20};
  std::uint32_t yescrypt_cost = 5;        // of new passwords; crypt(5)
  std::uint32_t hash_threads = 2;         // passwords checked at the same time
  std::uint32_t max_waiting = 1'000;      // checks waiting for a thread; more are refused for now
  std::uint32_t min_password_length = 8;  // for mr-account passwd and add
  Duration password_max_age = std::chrono::seconds{0};      // of passwords kept here; 0: for ever
  Duration password_warning = std::chrono::hours{14 * 24};  // before that
  bool scram = true;                                        // offered, and verifiers kept for it

  bool operator==(const AuthdConfig&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.failure_delay, m.failure_window, m.account_failures, m.address_failures,
                    m.max_failure_delay, m.yescrypt_cost, m.hash_threads, m.max_waiting,
                    m.min_password_length, m.password_max_age, m.password_warning, m.scram);
  }
};

// kerberos.principal PATTERN ACCOUNT: whose ticket is whose account (libcommon/policy/principal.h)
struct PrincipalRule {
  std::string pattern;
  std::string account;

  bool operator==(const PrincipalRule&) const = default;
  static auto fields(auto& m) { return std::tie(m.pattern, m.account); }
};

struct KerberosConfig {
  std::string realm;            // empty: no Kerberos
  std::string keytab_file;      // opened by the supervisor, and only for krbd
  std::vector<IpAddress> kdcs;  // with the port; none: passwords are never checked by a KDC
  std::string login_service;    // the principal whose key verifies them; empty: imap/HOSTNAME@REALM
  std::vector<PrincipalRule> principals;
  std::uint32_t logins = 16;                    // passwords that KDCs are asked about at the same time
  Duration timeout = std::chrono::seconds{10};  // for the answer of the KDCs

  bool enabled() const { return !realm.empty() && !keytab_file.empty(); }
  bool operator==(const KerberosConfig&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.realm, m.keytab_file, m.kdcs, m.login_service, m.principals, m.logins, m.timeout);
  }
};

// Octets of the lists of revoked client certificates.
inline constexpr std::size_t kMaxRevocationsSize = 16 * 1024 * 1024;

// Logins by a client certificate of TLS 1.3 (SASL EXTERNAL).
struct ClientCertificateConfig {
  std::string authorities_file;  // empty: no such logins
  std::string authorities_pem;   // its content
  std::string revocations_file;  // opened by the supervisor, and only for certd; empty: nothing is looked up
  std::vector<policy::CertificateRule> rules;

  bool enabled() const { return !authorities_file.empty(); }
  bool operator==(const ClientCertificateConfig&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.authorities_file, m.authorities_pem, m.revocations_file, m.rules);
  }
};

// What becomes of a device whose sender address cannot receive reports (REQUIREMENTS C8).
enum class DeviceSuspension : std::uint8_t { off, dry_run, on, kLast = on };

struct PolicydConfig {
  std::string recipient_delimiter = "+";  // user+detail@domain goes to user; empty: no detail
  std::string postmaster =
      "postmaster";  // the account that gets postmaster@ of every local domain (RFC 5321 4.5.1)
  std::uint64_t state_map_size = std::uint64_t{4} * 1024 * 1024 * 1024;
  bool tls_reports = true;                             // RFC 8460
  std::string help_desk = "your postmaster";           // whom refusals tell people to ask
  Duration pop_before_smtp = std::chrono::seconds{0};  // how long reading mail lets an address send; 0: never
  bool pop_before_smtp_nat = false;                    // also from nat networks
  std::uint32_t pop_before_smtp_ipv6_prefix = 64;      // bits of an IPv6 address that count as the same one
  bool guard_own_domains = false;       // refuses our domains as senders from outside without login
  bool relay_personal_senders = false;  // devices may send as persons
  DeviceSuspension device_suspension = DeviceSuspension::on;
  std::uint32_t device_refused_reports = 1;  // within the window, then the device is suspended
  Duration device_report_window = std::chrono::days{7};
  bool device_old_tls = false;          // at the relay, for devices whose quirks ask for it
  bool device_review_enforced = false;  // a device whose review date has passed sends to us only

  bool operator==(const PolicydConfig&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.recipient_delimiter, m.postmaster, m.state_map_size, m.tls_reports, m.help_desk,
                    m.pop_before_smtp, m.pop_before_smtp_nat, m.pop_before_smtp_ipv6_prefix,
                    m.guard_own_domains, m.relay_personal_senders, m.device_suspension,
                    m.device_refused_reports, m.device_report_window, m.device_old_tls,
                    m.device_review_enforced);
  }
};

// What becomes of a report that cannot be delivered, or a failure of mail that no sender can be told of.
enum class DoubleBounce : std::uint8_t { postmaster, drop, kLast = drop };

struct QueuedConfig {
  std::uint64_t memory_limit = 256 * 1024 * 1024;    // content held for all clients together; above it 452
  std::uint64_t memory_message_size = 256 * 1024;    // longer content goes to a file of its own
  std::uint64_t segment_size = 64 * 1024 * 1024;     // a segment is closed when it has grown past this
  std::uint64_t min_free_space = 128 * 1024 * 1024;  // of the file system; below it 452
  std::uint32_t max_messages = 1'000'000;            // in the queue; above it 452
  std::uint32_t copy_forward_percent = 20;   // a segment with less live content than this is copied forward
  std::uint32_t deliveries_in_flight = 256;  // handed to deliverd and not yet durable
  std::vector<Duration> retry_schedule = {   // waiting time after each failed attempt; the last one repeats
      std::chrono::minutes{1}, std::chrono::minutes{5}, std::chrono::minutes{15}, std::chrono::minutes{30},
      std::chrono::hours{1},   std::chrono::hours{2},   std::chrono::hours{4}};
  Duration lifetime = std::chrono::days{5};              // RFC 5321 4.5.4.1: at least 4 to 5 days
  Duration delay_warning = std::chrono::hours{4};        // then the sender hears of the delay; 0: never
  std::uint32_t relay_connections = 200;                 // to other hosts, of all destinations together
  std::uint32_t relay_connections_per_destination = 20;  // of one destination
  Duration relay_idle = std::chrono::seconds{2};         // how long a connection is kept for more messages
  std::uint64_t report_full_size = 50 * 1024;            // of larger messages the header goes back
  DoubleBounce double_bounce = DoubleBounce::postmaster;
  std::vector<IpNetwork> spf_exempt;  // clients that bring what others sent: SPF says nothing of them

  bool operator==(const QueuedConfig&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.memory_limit, m.memory_message_size, m.segment_size, m.min_free_space, m.max_messages,
                    m.copy_forward_percent, m.deliveries_in_flight, m.retry_schedule, m.lifetime,
                    m.delay_warning, m.relay_connections, m.relay_connections_per_destination, m.relay_idle,
                    m.report_full_size, m.double_bounce, m.spf_exempt);
  }
};

struct RoutingConfig {
  std::vector<IpNetwork>
      allow_network;           // addresses the DNS may lead to although they are private (SECURITY.md V18)
  std::uint32_t mx_port = 25;  // other than 25 for tests

  bool operator==(const RoutingConfig&) const = default;
  static auto fields(auto& m) { return std::tie(m.allow_network, m.mx_port); }
};

struct DeliverdConfig {
  std::uint32_t batch_size = 200;                        // deliveries made durable together
  Duration batch_delay = std::chrono::milliseconds{20};  // how long the first of a batch waits for others

  bool operator==(const DeliverdConfig&) const = default;
  static auto fields(auto& m) { return std::tie(m.batch_size, m.batch_delay); }
};

inline constexpr std::uint16_t kDnsPort = 53;

// dnsd.stub ZONE ADDRESS[@PORT]...
struct DnsStubConfig {
  std::string zone;                // lower case, without the dot at the end; empty: the root
  std::vector<IpAddress> servers;  // with the port

  bool operator==(const DnsStubConfig&) const = default;
  static auto fields(auto& m) { return std::tie(m.zone, m.servers); }
};

struct DnsdConfig {
  std::vector<IpAddress> forward;     // resolvers to ask, with the port; empty: asks the servers of each zone
  std::vector<DnsStubConfig> stubs;   // zones whose servers are given
  std::vector<std::string> insecure;  // zones that are not validated
  std::string trust_anchor_file;      // empty: the keys of the root that this version knows
  std::vector<std::string> trust_anchors;       // the records of that file
  Duration timeout = std::chrono::seconds{20};  // for the answer to one question
  std::uint64_t cache_size = 64 * 1024 * 1024;

  bool operator==(const DnsdConfig&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.forward, m.stubs, m.insecure, m.trust_anchor_file, m.trust_anchors, m.timeout,
                    m.cache_size);
  }
};

// Fetches MTA-STS policies (RFC 8461 3.3).
struct StsdConfig {
  std::uint32_t port = 443;
  Duration timeout = std::chrono::seconds{60};

  bool operator==(const StsdConfig&) const = default;
  static auto fields(auto& m) { return std::tie(m.port, m.timeout); }
};

// Time limits are of RFC 5321 4.5.3.2: each is for one reply as a whole, whatever trickles in meanwhile.
struct RelaydConfig {
  std::uint32_t max_connections = 500;                  // processes at the same time
  Duration connect_timeout = std::chrono::seconds{30};  // one address
  Duration greeting_timeout = std::chrono::minutes{5};  // 4.5.3.2.1
  Duration command_timeout = std::chrono::minutes{5};   // 4.5.3.2.2, 4.5.3.2.3; EHLO, STARTTLS, AUTH
  Duration data_timeout = std::chrono::minutes{2};      // the reply to DATA, 4.5.3.2.4
  Duration block_timeout = std::chrono::minutes{3};     // until 64 KiB of content are taken, 4.5.3.2.5
  Duration final_timeout = std::chrono::minutes{10};    // the reply after the content, 4.5.3.2.6
  Duration message_timeout = std::chrono::hours{1};     // all of the dialogue about one message
  Duration stop_timeout = std::chrono::seconds{15};     // at a stop: the reply after the content

  bool operator==(const RelaydConfig&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.max_connections, m.connect_timeout, m.greeting_timeout, m.command_timeout,
                    m.data_timeout, m.block_timeout, m.final_timeout, m.message_timeout, m.stop_timeout);
  }
};

struct LogConfig {
  LogLevel level = LogLevel::info;

  bool operator==(const LogConfig&) const = default;
  static auto fields(auto& m) { return std::tie(m.level); }
};

struct Config {
  std::string hostname;              // lower case; in greetings and Received lines
  std::vector<std::string> domains;  // lower case; mail for them is local
  std::vector<ListenerConfig> listeners;
  std::vector<CertificateConfig> certificates;
  std::vector<RouteConfig> routes;  // no two of one domain
  OutboundTlsConfig outbound_tls;
  std::vector<std::string> relay_domains;  // lower case; ours, and kept on the host that their route names
  std::vector<NetworkConfig> networks;
  std::vector<policy::LimitRow> limits = {  // a person does not reach them, a stolen account does
      {policy::LimitScope::account, policy::LimitUnit::messages, policy::LimitPeriod::hour, 200, 500},
      {policy::LimitScope::account, policy::LimitUnit::messages, policy::LimitPeriod::day, 500, 2'000},
      {policy::LimitScope::account, policy::LimitUnit::recipients, policy::LimitPeriod::day, 2'000, 10'000},
      {policy::LimitScope::device, policy::LimitUnit::messages, policy::LimitPeriod::day, 500, 2'000},
      {policy::LimitScope::device, policy::LimitUnit::recipients, policy::LimitPeriod::day, 1'000, 5'000},
      {policy::LimitScope::address, policy::LimitUnit::messages, policy::LimitPeriod::hour, 500, 0},
      {policy::LimitScope::nat, policy::LimitUnit::messages, policy::LimitPeriod::hour, 2'000, 0}};
  Duration tls_timeout = std::chrono::minutes{1};  // a whole handshake, of every service
  DirectoryConfig directories;
  UidConfig uids;
  LogConfig log;
  SmtpdConfig smtpd;
  Pop3dConfig pop3d;
  ImapdConfig imapd;
  MailboxConfig mailbox;
  AuthdConfig authd;
  KerberosConfig kerberos;
  ClientCertificateConfig client_certificate;
  PolicydConfig policyd;
  QueuedConfig queued;
  RoutingConfig routing;
  DeliverdConfig deliverd;
  DnsdConfig dnsd;
  StsdConfig stsd;
  RelaydConfig relayd;

  bool operator==(const Config&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.hostname, m.domains, m.listeners, m.certificates, m.routes, m.outbound_tls,
                    m.relay_domains, m.networks, m.limits, m.tls_timeout, m.directories, m.uids, m.log,
                    m.smtpd, m.pop3d, m.imapd, m.mailbox, m.authd, m.kerberos, m.client_certificate,
                    m.policyd, m.queued, m.routing, m.deliverd, m.dnsd, m.stsd, m.relayd);
  }
};

}  // namespace mailroom
