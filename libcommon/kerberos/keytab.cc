#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include <algorithm>

#include "libcommon/kerberos/acceptor.h"
#include "libcommon/kerberos/keytab_parts.h"
#include "libcommon/sys/fd.h"

namespace mailroom::kerberos {
namespace {

using Ticket = Owned<krb5_ticket*, krb5_free_ticket>;

std::string name_of(const Context& context, krb5_const_principal principal) {
  char* text = nullptr;
  if (krb5_unparse_name(context, principal, &text) != 0)
    throw std::runtime_error("a principal without a name");
  std::string name = text;
  krb5_free_unparsed_name(context, text);
  return name;
}

TicketFault fault_of(krb5_error_code code) {
  switch (code) {
  case KRB5KRB_AP_ERR_TKT_EXPIRED:
  case KRB5KRB_AP_ERR_TKT_NYV:
  case KRB5KRB_AP_ERR_SKEW:
    return TicketFault::expired;
  case KRB5KRB_AP_ERR_REPEAT:
    return TicketFault::replayed;
  case KRB5KRB_AP_ERR_NOT_US:
  case KRB5KRB_AP_ERR_NOKEY:
  case KRB5KRB_AP_ERR_BADKEYVER:
  case KRB5KRB_AP_WRONG_PRINC:
  case KRB5_KT_NOTFOUND:
  case KRB5_KT_KVNONOTFOUND:
    return TicketFault::wrong_key;
  case KRB5KRB_AP_ERR_BADVERSION:
  case KRB5KRB_AP_ERR_MSG_TYPE:
  case KRB5_BADMSGTYPE:
  case ASN1_BAD_ID:
  case ASN1_BAD_LENGTH:
  case ASN1_OVERRUN:
  case ASN1_MISSING_FIELD:
  case ASN1_PARSE_ERROR:
    return TicketFault::malformed;
  default:
    return TicketFault::refused;
  }
}

// RFC 4120 5.9.1; empty when libkrb5 cannot make one.
std::string error_message(const Context& context, krb5_error_code code, const std::string& server,
                          const std::string& text) {
  Owned<krb5_principal, krb5_free_principal> name{context};
  krb5_error error{};
  if (krb5_parse_name(context, server.c_str(), name.out()) != 0 ||
      krb5_us_timeofday(context, &error.stime, &error.susec) != 0)
    return {};
  const bool of_protocol = code >= ERROR_TABLE_BASE_krb5 && code < ERROR_TABLE_BASE_krb5 + 128;
  error.error = of_protocol ? static_cast<krb5_ui_4>(code - ERROR_TABLE_BASE_krb5)
                            : KRB5KRB_ERR_GENERIC - ERROR_TABLE_BASE_krb5;
  error.server = name.get();
  error.text = view_of(text);
  Data message{context};
  return krb5_mk_error(context, &error, message.out()) == 0 ? message.octets() : std::string{};
}

// What follows an accepted AP-REQ: the answer by which the client knows us (RFC 4120 3.2.4).
std::expected<std::string, Refusal> reply_to(const Context& context, krb5_auth_context exchange) {
  Data reply{context};
  if (const auto code = krb5_mk_rep(context, exchange, reply.out()); code != 0)
    return std::unexpected(Refusal{TicketFault::refused, context.message_of(code), {}});
  return reply.octets();
}

// libkrb5 reads a file that it opens by a name, and this process may not open the keytab: a copy in memory,
// of which it has a name.
Fd copy_of(int descriptor) {
  constexpr off_t kLargest = 4 * 1024 * 1024;
  Fd copy{::memfd_create("keytab", MFD_CLOEXEC)};
  off_t at = 0;
  while (at < kLargest)
    if (::sendfile(copy.get(), descriptor, &at, static_cast<std::size_t>(kLargest - at)) <= 0) break;
  return copy;
}

}  // namespace

bool is_for_service(std::string_view principal, std::string_view service) {
  return principal.starts_with(service) && principal.substr(service.size()).starts_with('/');
}

Keytab::Keytab(int descriptor) : parts_{std::make_unique<Parts>()} {
  const Context& context = parts_->context;
  krb5_keytab file = nullptr;
  krb5_kt_cursor cursor{};
  const Fd copy = copy_of(descriptor);
  if (krb5_kt_resolve(context, fmt::format("FILE:/proc/self/fd/{}", copy.get()).c_str(), &file) != 0)
    throw std::runtime_error("the keytab cannot be opened");
  if (const auto code = krb5_kt_start_seq_get(context, file, &cursor); code != 0) {
    krb5_kt_close(context, file);
    throw std::runtime_error("the keytab cannot be read: " + context.message_of(code));
  }
  krb5_keytab_entry entry{};
  while (krb5_kt_next_entry(context, file, &entry, &cursor) == 0) {
    const auto code = krb5_kt_add_entry(context, parts_->keytab, &entry);
    const std::string name = name_of(context, entry.principal);
    krb5_free_keytab_entry_contents(context, &entry);
    if (code != 0)
      throw std::runtime_error("a key of the keytab cannot be kept: " + context.message_of(code));
    if (std::ranges::find(principals_, name) == principals_.end()) principals_.push_back(name);
  }
  krb5_kt_end_seq_get(context, file, &cursor);
  krb5_kt_close(context, file);
  if (principals_.empty()) throw std::runtime_error("the keytab has no key");
  parts_->acquire_credentials();
}

Keytab::~Keytab() = default;
Keytab::Keytab(Keytab&&) noexcept = default;
Keytab& Keytab::operator=(Keytab&&) noexcept = default;

Keytab::Parts::Parts() {
  if (krb5_kt_resolve(context, kMemoryKeytab, &keytab) != 0) throw std::runtime_error("no keytab in memory");
}

Keytab::Parts::~Parts() {
  OM_uint32 minor = 0;
  gss_release_cred(&minor, &credentials);
  krb5_kt_close(context, keytab);
}

void Keytab::Parts::acquire_credentials() {
  gss_key_value_element_desc element{"keytab", kMemoryKeytab};
  const gss_key_value_set_desc store{1, &element};
  gss_OID_desc krb5 = *gss_mech_krb5;
  gss_OID_set_desc mechanisms{1, &krb5};
  OM_uint32 minor = 0;
  const OM_uint32 major = gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechanisms,
                                                GSS_C_ACCEPT, &store, &credentials, nullptr, nullptr);
  if (GSS_ERROR(major)) throw std::runtime_error("the keytab gives no GSSAPI credentials");
}

std::expected<Proof, Refusal> Keytab::accept_request(std::string_view ap_req,
                                                     std::string_view service) const {
  const Context context;
  Owned<krb5_auth_context, krb5_auth_con_free> exchange{context};
  Ticket ticket{context};
  const krb5_data request = view_of(ap_req);
  krb5_flags options = 0;
  const auto code =
      krb5_rd_req(context, exchange.out(), &request, nullptr, parts_->keytab, &options, ticket.out());
  const auto refused = [&](TicketFault fault, krb5_error_code why, std::string detail) {
    std::string token = error_message(context, why, principals_.front(), detail);
    return std::unexpected(Refusal{fault, std::move(detail), std::move(token)});
  };
  if (code != 0) return refused(fault_of(code), code, context.message_of(code));
  if (!service.empty() && !is_for_service(name_of(context, ticket->server), service))
    return refused(TicketFault::wrong_key, KRB5KRB_AP_ERR_NOT_US,
                   "a ticket for " + name_of(context, ticket->server));
  Proof proof{.principal = name_of(context, ticket->enc_part2->client), .authzid = {}, .token = {}};
  if ((options & AP_OPTS_MUTUAL_REQUIRED) == 0) return proof;
  auto reply = reply_to(context, exchange.get());
  if (!reply) return std::unexpected(std::move(reply.error()));
  proof.token = std::move(*reply);
  return proof;
}

}  // namespace mailroom::kerberos
