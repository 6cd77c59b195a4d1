#include "tests/unit/policyd/fixture.h"

#include "daemons/policyd/own_mail.h"

using namespace mailroom;

namespace {

class FakePeers : public policyd::Peers {
 public:
  const policyd::Connection* find(ConnectionId) override { return nullptr; }
  void tell_authd(const PolicydToAuthd&) override {}
  void tell_listener(policyd::ListenerKey, const PolicydToListener&) override {}
  void tell_session_listeners(const EndSessions&) override {}
  void tell_supervisor(const ProcessToSupervisor&) override {}
  bool tell_queued(const PolicydToQueued& message) override {
    if (!there) return false;
    told.push_back(std::get<SubmitMessage>(message));
    return true;
  }
  bool there = true;
  std::vector<SubmitMessage> told;
};

}  // namespace

TEST_CASE("own mail: each is answered once, for what it was") {
  FakePeers peers;
  policyd::OwnMail mail{peers};
  std::vector<QueueId> answers;
  const auto note = [&](QueueId id) { answers.push_back(id); };
  mail.send("", {}, "one\r\n", note);
  mail.send("", {}, "two\r\n", note);
  REQUIRE(peers.told.size() == 2);
  mail.submitted({peers.told[1].number, 9});
  mail.submitted({peers.told[1].number, 9});
  mail.submitted({12345, 9});
  CHECK(answers == std::vector<QueueId>{9});
  mail.queued_gone();
  CHECK(answers == std::vector<QueueId>{9, 0});
}

TEST_CASE("own mail: what cannot be sent is said so") {
  FakePeers peers;
  policyd::OwnMail mail{peers};
  std::vector<QueueId> answers;
  const auto note = [&](QueueId id) { answers.push_back(id); };
  mail.send("", {}, std::string(kMaxSubmitted + 1, 'x'), note);
  peers.there = false;
  mail.send("", {}, "one\r\n", note);
  CHECK(answers == std::vector<QueueId>{0, 0});
}
