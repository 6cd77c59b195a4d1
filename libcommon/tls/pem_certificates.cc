#include "libcommon/tls/pem_certificates.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "libcommon/tls/handles.h"
#include "libcommon/tls/library.h"

namespace mailroom::tls {
namespace {

bool reached_end_of_pem() {
  const unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

}  // namespace

std::expected<std::vector<std::shared_ptr<X509>>, std::string> read_certificates(std::string_view pem,
                                                                                 std::size_t limit) {
  const BioHandle text{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  std::vector<std::shared_ptr<X509>> all;
  for (;;) {
    X509* certificate = X509_new_ex(library(), nullptr);
    const bool read = PEM_read_bio_X509(text.get(), &certificate, nullptr, nullptr) != nullptr;
    // Null where a bad certificate has been freed already.
    const std::shared_ptr<X509> owner{certificate, &X509_free};
    if (!read) break;
    all.push_back(owner);
    if (all.size() > limit)
      return std::unexpected("more certificates than the " + std::to_string(limit) + " allowed");
  }
  if (!reached_end_of_pem()) return std::unexpected("not a certificate in PEM form: " + take_errors());
  ERR_clear_error();
  return all;
}

}  // namespace mailroom::tls
