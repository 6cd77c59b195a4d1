// What Keytab and GssExchange share.  Included by libcommon/kerberos/*.cc alone.
#pragma once

#include <gssapi/gssapi_krb5.h>

#include "libcommon/kerberos/acceptor.h"
#include "libcommon/kerberos/handles.h"

namespace mailroom::kerberos {

// The keytab of this process; libkrb5 knows it by this name for as long as a Keytab lives.
inline constexpr const char* kMemoryKeytab = "MEMORY:mailroom";

struct Keytab::Parts {
  Parts();
  ~Parts();
  void acquire_credentials();

  Context context;
  krb5_keytab keytab = nullptr;
  gss_cred_id_t credentials = GSS_C_NO_CREDENTIAL;
};

bool is_for_service(std::string_view principal, std::string_view service);

}  // namespace mailroom::kerberos
