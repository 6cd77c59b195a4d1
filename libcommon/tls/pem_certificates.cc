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

// Until there are no more, which is no error.
template <typename Object, auto kMake, auto kRead, auto kFree>
std::expected<std::vector<std::shared_ptr<Object>>, std::string> read_all(std::string_view pem,
                                                                          std::size_t limit) {
  const BioHandle text{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  std::vector<std::shared_ptr<Object>> all;
  while (all.size() <= limit) {
    Object* object = kMake(library(), nullptr);
    const bool is_read = kRead(text.get(), &object, nullptr, nullptr) != nullptr;
    // Null where a bad one has been freed already.
    const std::shared_ptr<Object> owner{object, kFree};
    if (!is_read) break;
    all.push_back(owner);
  }
  if (all.size() <= limit && !reached_end_of_pem()) return std::unexpected(take_errors());
  ERR_clear_error();
  return all;
}

}  // namespace

std::expected<std::vector<std::shared_ptr<X509>>, std::string> read_certificates(std::string_view pem,
                                                                                 std::size_t limit) {
  auto all = read_all<X509, &X509_new_ex, &PEM_read_bio_X509, &X509_free>(pem, limit);
  if (!all) return std::unexpected("not a certificate in PEM form: " + all.error());
  if (all->size() > limit)
    return std::unexpected("more certificates than the " + std::to_string(limit) + " allowed");
  return all;
}

std::expected<std::vector<std::shared_ptr<X509_CRL>>, std::string> read_revocations(std::string_view pem) {
  auto all = read_all<X509_CRL, &X509_CRL_new_ex, &PEM_read_bio_X509_CRL, &X509_CRL_free>(pem, pem.size());
  if (!all) return std::unexpected("not a revocation list in PEM form: " + all.error());
  if (all->empty()) return std::unexpected("no revocation list in it");
  return all;
}

}  // namespace mailroom::tls
