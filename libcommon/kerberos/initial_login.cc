#include "libcommon/kerberos/initial_login.h"

#include "libcommon/kerberos/handles.h"

namespace mailroom::kerberos {
namespace {

using Principal = Owned<krb5_principal, krb5_free_principal>;

KdcFault fault_of(krb5_error_code code) {
  switch (code) {
  case KRB5KDC_ERR_PREAUTH_FAILED:
  case KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN:
  case KRB5KRB_AP_ERR_BAD_INTEGRITY:
  case KRB5_PREAUTH_FAILED:
    return KdcFault::wrong_password;
  case KRB5KDC_ERR_KEY_EXP:
  case KRB5KDC_ERR_NAME_EXP:
    return KdcFault::expired;
  case KRB5KDC_ERR_CLIENT_REVOKED:
  case KRB5KDC_ERR_CLIENT_NOTYET:
    return KdcFault::locked;
  case KRB5KRB_AP_ERR_SKEW:
  case KRB5_KDCREP_SKEW:
    return KdcFault::skew;
  case KRB5_KDC_UNREACH:
  case KRB5_REALM_CANT_RESOLVE:
  case KRB5_REALM_UNKNOWN:
    return KdcFault::unreachable;
  default:
    return KdcFault::refused;
  }
}

class Credentials {
 public:
  explicit Credentials(const Context& context) : context_{context} {}
  ~Credentials() { krb5_free_cred_contents(context_, &credentials_); }
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
  krb5_creds* out() { return &credentials_; }

 private:
  krb5_context context_;
  krb5_creds credentials_{};
};

}  // namespace

std::expected<std::string, KdcRefusal> request_ticket(const std::string& principal, const char* password,
                                                      const std::string& service) {
  const Context context;
  const auto refused = [&](krb5_error_code code) {
    return std::unexpected(KdcRefusal{fault_of(code), context.message_of(code)});
  };
  Principal client{context};
  if (const auto code = krb5_parse_name(context, principal.c_str(), client.out()); code != 0)
    return refused(code);
  Owned<krb5_get_init_creds_opt*, krb5_get_init_creds_opt_free> options{context};
  if (const auto code = krb5_get_init_creds_opt_alloc(context, options.out()); code != 0)
    return refused(code);
  krb5_get_init_creds_opt_set_forwardable(options.get(), 0);
  krb5_get_init_creds_opt_set_proxiable(options.get(), 0);
  krb5_get_init_creds_opt_set_change_password_prompt(options.get(), 0);
  Credentials credentials{context};
  if (const auto code = krb5_get_init_creds_password(context, credentials.out(), client.get(), password,
                                                     nullptr, nullptr, 0, service.c_str(), options.get());
      code != 0)
    return refused(code);
  Owned<krb5_auth_context, krb5_auth_con_free> exchange{context};
  Data request{context};
  if (const auto code =
          krb5_mk_req_extended(context, exchange.out(), 0, nullptr, credentials.out(), request.out());
      code != 0)
    return refused(code);
  return request.octets();
}

}  // namespace mailroom::kerberos
