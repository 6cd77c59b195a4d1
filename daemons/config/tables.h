// The key tables: all that an operator may change, one row for each key.  A table lives in NAME_keys.cc.
#pragma once

#include <span>

#include "daemons/config.h"
#include "libcommon/config/schema.h"

namespace mailroom::config {

std::span<const Key<Config>> instance_keys();  // hostname, domain, listen, certificate, route, log-level
std::span<const Key<OutboundTlsConfig>> tls_policy_keys();    // tls-policy
std::span<const Key<OutboundTlsConfig>> outbound_tls_keys();  // relayd.tls-default, relayd.ca-file ...
std::span<const Key<Config>> access_keys();                   // relay-domain, network, limit
std::span<const Key<DirectoryConfig>> directory_keys();
std::span<const Key<UidConfig>> uid_keys();
std::span<const Key<ConnectionLimits>> connection_keys();  // the same for each service
std::span<const Key<SmtpdConfig>> smtpd_keys();
std::span<const Key<Pop3dConfig>> pop3d_keys();
std::span<const Key<ImapdConfig>> imapd_keys();
std::span<const Key<MailboxConfig>> mailbox_keys();
std::span<const Key<AuthdConfig>> authd_keys();
std::span<const Key<KerberosConfig>> kerberos_keys();
std::span<const Key<ClientCertificateConfig>> client_certificate_keys();
std::span<const Key<PolicydConfig>> policyd_keys();
std::span<const Key<QueuedConfig>> queued_keys();
std::span<const Key<RoutingConfig>> routing_keys();
std::span<const Key<DeliverdConfig>> deliverd_keys();
std::span<const Key<StsdConfig>> stsd_keys();
std::span<const Key<DnsdConfig>> dnsd_keys();
std::span<const Key<RelaydConfig>> relayd_keys();

// All of them, bound to their places in Config.
const Schema<Config>& schema();

}  // namespace mailroom::config
