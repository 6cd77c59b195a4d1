// Owners of OpenSSL objects.  Internal to libcommon/tls: headers that others include name no OpenSSL type.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace mailroom::tls {

template <auto kFree>
struct Freeing {
  template <typename T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};
template <typename T, auto kFree>
using Handle = std::unique_ptr<T, Freeing<kFree>>;

using BioHandle = Handle<BIO, &BIO_free>;
using CertificateHandle = Handle<X509, &X509_free>;
using DigestContextHandle = Handle<EVP_MD_CTX, &EVP_MD_CTX_free>;
using ParamsHandle = Handle<OSSL_PARAM, &OSSL_PARAM_free>;
using PkeyContextHandle = Handle<EVP_PKEY_CTX, &EVP_PKEY_CTX_free>;
using PkeyHandle = Handle<EVP_PKEY, &EVP_PKEY_free>;
using SslContextHandle = Handle<SSL_CTX, &SSL_CTX_free>;
using SslHandle = Handle<SSL, &SSL_free>;

}  // namespace mailroom::tls
