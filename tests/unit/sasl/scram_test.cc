#include "libcommon/protocol/sasl/scram.h"

#include <catch2/catch.hpp>

using namespace mailroom::sasl;
using Binding = ScramClientFirst::Binding;

TEST_CASE("a client's first message, in its forms") {
  const auto plain = parse_scram_client_first("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
  REQUIRE(plain);
  CHECK(plain->binding == Binding::unknown_to_client);
  CHECK(plain->gs2_header == "n,,");
  CHECK(plain->name == "user");
  CHECK(plain->nonce == "fyko+d2lbbFgONRv9qkxdawL");
  CHECK(plain->bare == "n=user,r=fyko+d2lbbFgONRv9qkxdawL");

  const auto full = parse_scram_client_first("p=tls-exporter,a=o=2Cther=3D,n==3D=2C,r=x,e=ext");
  REQUIRE(full);
  CHECK(full->binding == Binding::used);
  CHECK(full->binding_type == "tls-exporter");
  CHECK(full->gs2_header == "p=tls-exporter,a=o=2Cther=3D,");
  CHECK(full->authzid == "o,ther=");
  CHECK(full->name == "=,");
  CHECK(full->bare == "n==3D=2C,r=x,e=ext");
  CHECK(parse_scram_client_first("y,,n=u,r=x")->binding == Binding::not_offered);
}

TEST_CASE("what is no first message") {
  const std::string nul("n,,n=u\0,r=x", 11);
  for (const std::string& message : {std::string{},
                                     std::string{"n"},
                                     std::string{"n,"},
                                     std::string{"n,,"},
                                     std::string{"n,,n=u"},
                                     std::string{"n,,n=u,r="},
                                     std::string{"n,,n=,r=x"},
                                     std::string{"n,,r=x,n=u"},
                                     std::string{"x,,n=u,r=x"},
                                     std::string{"p=,,n=u,r=x"},
                                     std::string{"p=a_b,,n=u,r=x"},
                                     std::string{"n,b=c,n=u,r=x"},
                                     std::string{"n,a=,n=u,r=x"},
                                     std::string{"n,,m=must,n=u,r=x"},
                                     std::string{"n,,n=u=,r=x"},
                                     std::string{"n,,n=u=2c,r=x"},
                                     std::string{"n,,n=u=3,r=x"},
                                     std::string{"n,,n=u,r=x y"},
                                     std::string{"n,,n=u,r=x,"},
                                     std::string{"n,,n=u,r=x,e"},
                                     std::string{"n,,n=u,r=x,1=e"},
                                     std::string{"n,,n=\xff,r=x"},
                                     nul,
                                     "n,,n=u,r=" + std::string(kMaxScramNonce + 1, 'x'),
                                     "n,,n=" + std::string(kMaxScramMessage, 'u') + ",r=x"}) {
    INFO(message.substr(0, 60));
    CHECK_FALSE(parse_scram_client_first(message));
  }
}

TEST_CASE("a client's final message") {
  const auto final = parse_scram_client_final("c=biws,r=abc,x=y,p=AAAA");
  REQUIRE(final);
  CHECK(final->channel_binding == "n,,");
  CHECK(final->nonce == "abc");
  CHECK(final->proof == std::string(3, '\0'));
  CHECK(final->without_proof == "c=biws,r=abc,x=y");
  for (const char* message : {"", "c=biws,r=abc", "c=biws,p=AAAA", "r=abc,c=biws,p=AAAA", "c=!,r=abc,p=AAAA",
                              "c=biws,r=abc,p=", "c=biws,r=abc,p=A", "c=biws,r=abc,p=AAAA,", "p=AAAA",
                              "c=,r=abc,p=AAAA", "c=biws,r=abc,p=AAAA,x=y", "c=biws,r=,p=AAAA"}) {
    INFO(message);
    CHECK_FALSE(parse_scram_client_final(message));
  }
}

TEST_CASE("our messages") {
  CHECK(scram_server_first("abc", "salt", 4096) == "r=abc,s=c2FsdA==,i=4096");
  CHECK(scram_server_final("sig") == "v=c2ln");
}
