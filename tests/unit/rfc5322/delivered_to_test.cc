#include "libcommon/protocol/rfc5322/delivered_to.h"

#include <catch2/catch.hpp>
#include <string>

using mailroom::rfc5322::DeliveredToScan;

namespace {

constexpr std::string_view kAddress = "anna@example.edu";

// The same in one piece and in pieces of every size.
bool names(std::string_view message, std::string_view address = kAddress) {
  DeliveredToScan whole;
  whole.feed(message);
  whole.end();
  for (std::size_t size = 1; size < message.size(); ++size) {
    DeliveredToScan scan;
    for (std::string_view rest = message; !rest.empty(); rest.remove_prefix(std::min(size, rest.size())))
      scan.feed(rest.substr(0, size));
    scan.end();
    CHECK(scan.names(address) == whole.names(address));
  }
  return whole.names(address);
}

}  // namespace

TEST_CASE("a message that has been delivered to an address says so") {
  CHECK(names("Return-Path: <x@y>\r\nDelivered-To: anna@example.edu\r\nSubject: s\r\n\r\nText\r\n"));
  CHECK(names("delivered-to:Anna@EXAMPLE.edu \r\n\r\n"));
  CHECK(names("Delivered-To:\r\n anna@example.edu\r\n\r\n"));
  CHECK(names("Delivered-To: bob@example.edu\r\nX: y\r\nDelivered-To: anna@example.edu\r\n\r\n"));
  CHECK(names("X: y\r\nDelivered-To: anna@example.edu"));
  CHECK(names("Delivered-To: postmaster\r\n\r\n", "Postmaster"));
}

TEST_CASE("what names another address, or none, is no loop") {
  CHECK_FALSE(names(""));
  CHECK_FALSE(names("Delivered-To: bob@example.edu\r\n\r\n"));
  CHECK_FALSE(names("Delivered-To: anna+list@example.edu\r\n\r\n"));
  CHECK_FALSE(names("Delivered-To: mailing list anna@example.edu\r\n\r\n"));
  CHECK_FALSE(names("Delivered-To: anna@example.edu, bob@example.edu\r\n\r\n"));
  CHECK_FALSE(names("To: anna@example.edu\r\nX-Delivered-To: anna@example.edu\r\n\r\n"));
  CHECK_FALSE(names("Delivered-To-Not: anna@example.edu\r\n\r\n"));
  CHECK_FALSE(names("Subject: x\r\n Delivered-To: anna@example.edu\r\n\r\n"));
  CHECK_FALSE(names("Subject: x\r\n\r\nDelivered-To: anna@example.edu\r\n"));
  CHECK_FALSE(names("Delivered-To:\r\n\r\n", ""));
  CHECK_FALSE(
      names("Delivered-To: " + std::string(DeliveredToScan::kMaxField, ' ') + "anna@example.edu\r\n"));
}

TEST_CASE("fields without end, or without number, take no memory") {
  DeliveredToScan endless;
  endless.feed("Delivered-To: anna@example.edu");
  for (int i = 0; i < 10'000; ++i) endless.feed(std::string(1'000, ' '));
  endless.end();
  CHECK_FALSE(endless.names(kAddress));

  DeliveredToScan many;
  for (std::size_t i = 0; i < DeliveredToScan::kMaxFields; ++i)
    many.feed("Delivered-To: bob@example.edu\r\n");
  many.feed("Delivered-To: anna@example.edu\r\n\r\n");
  many.end();
  CHECK(many.names("bob@example.edu"));
  CHECK_FALSE(many.names(kAddress));
}
