#include "libcommon/kerberos/set_up.h"

#include <fmt/format.h>
#include <stdlib.h>

#include "libcommon/kerberos/handles.h"

namespace mailroom::kerberos {

std::string configuration(std::string_view realm, std::span<const IpAddress> kdcs) {
  std::string text = fmt::format("[libdefaults]\n"
                                 "  default_realm = {}\n"
                                 "  dns_lookup_kdc = false\n"
                                 "  dns_lookup_realm = false\n"
                                 "  dns_canonicalize_hostname = false\n"
                                 "  rdns = false\n"
                                 "  ignore_acceptor_hostname = true\n"
                                 "[realms]\n"
                                 "  {} = {{\n",
                                 realm, realm);
  for (const IpAddress& kdc : kdcs)
    text += fmt::format(fmt::runtime(kdc.is_v4() ? "    kdc = {}:{}\n" : "    kdc = [{}]:{}\n"), kdc.text(),
                        kdc.port);
  return text + "  }\n";
}

void set_up() {
  ::setenv("KRB5_CONFIG", "krb5.conf", 1);
  ::setenv("KRB5RCACHENAME", "file2:replay-cache", 1);
  ::setenv("KRB5CCNAME", "MEMORY:", 1);
  ::unsetenv("KRB5_KTNAME");
  ::unsetenv("KRB5_TRACE");
  OM_uint32 minor = 0;
  gss_OID_set mechanisms = nullptr;
  gss_indicate_mechs(&minor, &mechanisms);  // reads /etc/gss and loads what is there
  gss_release_oid_set(&minor, &mechanisms);
}

}  // namespace mailroom::kerberos
