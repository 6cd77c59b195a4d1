// Asks a dnsd that it starts by itself, as mailroomd would, with the configuration of a system:
//
//   dns_ask CONFIG-FILE < QUESTIONS
//
// A question is a line "TYPE NAME" (a, aaaa, mx, txt, tlsa, cname), "names ADDRESS", "hosts DOMAIN" or "fixed
// HOST PORT". All are asked at once; the answers are printed in the order of the questions, a line each,
// those of hosts in several.  Run by root, dnsd is behind its walls.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>

#include "daemons/channels/control.h"
#include "daemons/channels/dnsd.h"
#include "daemons/config/load.h"
#include "daemons/daemon.h"
#include "daemons/mailroomd/sealed_memfd.h"
#include "daemons/mailroomd/spawn.h"
#include "daemons/mailroomd/warrants.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/ipc/codec.h"

using namespace mailroom;

namespace {

using Control = ipc::MessageChannel<SupervisorToProcess, ProcessToSupervisor>;
using Dnsd = ipc::MessageChannel<AskerToDnsd, DnsdToAsker>;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "dns_ask: %s\n", what.c_str());
  std::exit(1);
}

// ---- the process

struct Started {
  pid_t pid = -1;
  Control control;
};

Started start_dnsd(const Config& config) {
  auto [ours, theirs] = ipc::make_channel();
  const Warrants warrants{config, ::geteuid() != 0};
  const Fd block = sealed_memfd(ipc::encode(LaunchBlock{1, config, {}, {}}));
  const pid_t pid = spawn({.program = config.directories.libexec + "/dnsd",
                           .name = "dnsd",
                           .log = STDERR_FILENO,
                           .passed = warrants.first_descriptors(Role::dnsd, theirs.get(), block.get())});
  return {pid, Control{std::move(ours)}};
}

Dnsd connect_to(Started& dnsd) {
  auto [near, far] = ipc::make_channel();
  const int end = far.get();
  dnsd.control.send(AttachChannel{"queued-dnsd", "dns_ask#1"}, {&end, 1});
  const auto ready = dnsd.control.receive(ipc::PacketSocket::Wait::yes, 0);
  if (!ready) die("dnsd does not start");
  return Dnsd{std::move(near)};
}

// ---- questions

IpAddress parse_address(const std::string& text) {
  const auto address = parse_ip_and_port(text.find(':') == text.npos ? text + ":0" : "[" + text + "]:0");
  if (!address) die("not an address: " + text);
  return *address;
}

AskerToDnsd parse_question(const std::string& line) {
  static const std::map<std::string, dns::Type> kTypes{
      {"a", dns::Type::a},     {"aaaa", dns::Type::aaaa}, {"mx", dns::Type::mx},
      {"txt", dns::Type::txt}, {"tlsa", dns::Type::tlsa}, {"cname", dns::Type::cname}};
  std::istringstream words{line};
  std::string verb, name;
  std::uint16_t port = 25;
  words >> verb >> name >> port;
  if (words.fail() && !words.eof()) die("not a question: " + line);
  if (verb == "names") return LookUp{0, dns::Type::ptr, {}, parse_address(name)};
  if (verb == "hosts") return FindMailHosts{0, name, false, 25};
  if (verb == "fixed") return FindMailHosts{0, name, true, port};
  const auto type = kTypes.find(verb);
  if (type == kTypes.end()) die("not a question: " + line);
  return LookUp{0, type->second, name, {}};
}

// ---- answers

const char* name_of(dns::Security security) {
  return security == dns::Security::secure ? "secure" : "insecure";
}

std::string hex(const std::string& octets) {
  std::string text;
  for (const char c : octets) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}
std::string text_of(const dns::Tlsa& tlsa) {
  return fmt::format("{} {} {} {}", tlsa.usage, tlsa.selector, tlsa.matching, hex(tlsa.data).substr(0, 64));
}

void print(const dns::Answer& answer) {
  std::vector<std::string> words;
  for (const auto& each : answer.addresses) words.push_back(each.text());
  for (const auto& each : answer.names) words.push_back(each);
  for (const auto& each : answer.mx)
    words.push_back(fmt::format("{} {}", each.preference, each.exchange.empty() ? "." : each.exchange));
  for (const auto& each : answer.texts) words.push_back(fmt::format("\"{}\"", each));
  for (const auto& each : answer.tlsa) words.push_back(text_of(each));
  fmt::print("{} {} canonical={} [{}]{}{}\n", dns::outcome_name(answer.outcome), name_of(answer.security),
             answer.canonical_name, fmt::join(words, ", "), answer.problem.empty() ? "" : " ",
             answer.problem);
}

void print(const dns::MailHost& host) {
  std::vector<std::string> addresses, tlsa;
  for (const auto& each : host.addresses) addresses.push_back(each.text());
  for (const auto& each : host.tlsa) tlsa.push_back(text_of(each));
  fmt::print("  {} {} {} {} canonical={} [{}] tlsa={} base={} [{}]{}{}\n", host.preference, host.name,
             dns::outcome_name(host.outcome), name_of(host.security), host.canonical_name,
             fmt::join(addresses, ", "), dns::outcome_name(host.tlsa_outcome), host.tlsa_base,
             fmt::join(tlsa, ", "), host.problem.empty() ? "" : " ", host.problem);
}

void print(const dns::MailHosts& found) {
  fmt::print("{} {}{}{} sts={} [{}]{}{}\n", dns::outcome_name(found.outcome), name_of(found.mx_security),
             found.null_mx ? " null-mx" : "", found.implicit ? " implicit" : "",
             dns::outcome_name(found.sts_outcome), fmt::join(found.sts_texts, ", "),
             found.problem.empty() ? "" : " ", found.problem);
  for (const dns::MailHost& host : found.hosts) print(host);
}

DnsQuestionId number_of(const DnsdToAsker& answer) {
  return std::visit([](const auto& any) { return any.question; }, answer);
}

std::map<DnsQuestionId, DnsdToAsker> answers_to(Dnsd& channel, std::size_t count) {
  std::map<DnsQuestionId, DnsdToAsker> answers;
  while (answers.size() < count) {
    auto received = channel.receive(ipc::PacketSocket::Wait::yes, 0);
    if (!received) die("dnsd has closed the channel");
    const DnsQuestionId number = number_of(received->message);
    answers.emplace(number, std::move(received->message));
  }
  return answers;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) die("usage: dns_ask CONFIG-FILE");
  const auto config = config::load(argv[1]);
  if (!config) die(config::text_of(config.error().front()));
  Started dnsd = start_dnsd(*config);
  Dnsd channel = connect_to(dnsd);
  DnsQuestionId last = 0;
  std::string line;
  while (std::getline(std::cin, line)) {
    AskerToDnsd question = parse_question(line);
    std::visit([&](auto& any) { any.question = ++last; }, question);
    channel.send(question);
  }
  for (const auto& [number, answer] : answers_to(channel, last)) {
    if (const auto* looked_up = std::get_if<LookedUp>(&answer)) print(looked_up->answer);
    if (const auto* found = std::get_if<MailHostsFound>(&answer)) print(found->found);
  }
  dnsd.control.send(Drain{});
  int status = 0;
  ::waitpid(dnsd.pid, &status, 0);
  return status == 0 ? 0 : 1;
}
