#!/usr/bin/env python3
"""POP3 by the letter: RFC 1939, 2449, 5034 and 2595, over a raw socket.

  conformance_pop3.py PORT SMTP_PORT USER PASSWORD DOMAIN      (an empty account, login without TLS)
"""
import base64
import sys
import time

from wire import Wire, check

PORT, SMTP_PORT, USER, PASSWORD, DOMAIN = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]


class Pop(Wire):
    def __init__(self, login=False):
        super().__init__(PORT)
        self.greeting = self.line()
        if login:
            self.ask('USER ' + USER)
            self.state = self.ask('PASS ' + PASSWORD)

    def ask(self, text):
        self.send(text + '\r\n')
        return self.line()

    def farewell(self):
        try:
            return self.ask('QUIT')
        except (BrokenPipeError, ConnectionResetError):
            return ''

    def rest(self):
        lines = []
        while True:
            line = self.line()
            if line in ('.\r\n', ''):
                return lines
            lines.append(line)

    def many(self, text):
        first = self.ask(text)
        return first, self.rest() if first.startswith('+OK') else []


def deliver(body):
    smtp = Wire(SMTP_PORT)
    for text in (None, 'HELO c.test', 'MAIL FROM:<a@c.test>', 'RCPT TO:<%s@%s>' % (USER, DOMAIN), 'DATA', body + '.', 'QUIT'):
        if text:
            smtp.send(text + '\r\n')
        answer = smtp.line()
    return answer


def wait_for(count):
    for _ in range(300):
        pop = Pop(True)
        stat = pop.ask('STAT')
        pop.ask('QUIT')
        if stat.startswith('+OK %d ' % count):
            return
        time.sleep(0.2)
    check('%d messages arrive' % count, False)


def again():
    """Logged in, as soon as the session before has let go of the maildrop."""
    for _ in range(100):
        pop = Pop(True)
        if pop.state.startswith('+OK'):
            break
        pop.farewell()
        time.sleep(0.1)
    return pop


def good(what, answer):
    check(what, answer.startswith('+OK'), answer)


def bad(what, answer):
    check(what, answer.startswith('-ERR'), answer)


HEAD = 'From: a@c.test\r\nSubject: dots\r\n\r\n'
deliver(HEAD + '..first\r\nsecond\r\n....\r\n..\r\nlast\r\n')
wait_for(1)
deliver(HEAD + 'two\r\n')
wait_for(2)

# AUTHORIZATION
pop = Pop()
good('greeting', pop.greeting)
for command in ('STAT', 'LIST', 'RETR 1', 'DELE 1', 'RSET', 'UIDL', 'TOP 1 0', 'NOOP'):
    bad('%s before login' % command, pop.ask(command))
pop.ask('QUIT')
pop = Pop()  # a connection may have ten errors
bad('an unknown command', pop.ask('XYZZY'))
bad('an empty line', pop.ask(''))
bad('PASS without USER', pop.ask('PASS ' + PASSWORD))
bad('USER without a name', pop.ask('USER'))
pop.ask('QUIT')
pop = Pop()
first, capa = pop.many('cApA')
words = [line.split()[0] for line in capa]
good('CAPA in any case', first)
for word in ('TOP', 'UIDL', 'USER', 'SASL', 'RESP-CODES', 'PIPELINING', 'STLS'):
    check('CAPA has ' + word, word in words, capa)
good('USER', pop.ask('USER ' + USER))
answer = pop.ask('PASS wrong')
bad('a wrong password', answer)
check('says [AUTH]', 'AUTH-RESP-CODE' not in words or '[AUTH]' in answer, answer)
bad('AUTH of an unknown mechanism', pop.ask('AUTH XNONE'))
answer = pop.ask('AUTH PLAIN')
check('AUTH PLAIN asks', answer == '+ \r\n', answer)
bad('AUTH is cancelled', pop.ask('*'))
pop.ask('AUTH PLAIN')
bad('AUTH with no base64', pop.ask('!!!'))
secret = base64.b64encode(('\0%s\0%s' % (USER, PASSWORD)).encode()).decode()
good('AUTH PLAIN with an initial response', pop.ask('AUTH PLAIN ' + secret))

# TRANSACTION
pop.ask('QUIT')
pop = again()
for command in ('USER x', 'PASS x', 'AUTH PLAIN', 'STLS'):
    bad('%s after login' % command, pop.ask(command))
good('CAPA after login', pop.many('CAPA')[0])
good('NOOP', pop.ask('noop'))
stat = pop.ask('STAT').split()
first, sizes = pop.many('LIST')
check('STAT is the sum of LIST', len(sizes) == 2 and int(stat[2]) == sum(int(s.split()[1]) for s in sizes), (stat, sizes))
check('LIST 1 is as in LIST', pop.ask('LIST 1') == '+OK ' + sizes[0], sizes)
first, message = pop.many('RETR 1')
good('RETR', first)
plain = [line[1:] if line.startswith('.') else line for line in message]
check('its size is what LIST says', sum(map(len, plain)) == int(sizes[0].split()[1]), sizes)
check('dots are stuffed', message[-5:] == ['..first\r\n', 'second\r\n', '....\r\n', '..\r\n', 'last\r\n'], message[-5:])
blank = message.index('\r\n')
for lines in (0, 1, 3, 4, 5, 99):
    top = pop.many('TOP 1 %d' % lines)[1]
    check('TOP 1 %d' % lines, top == message[:blank + 1 + lines], top)
errors = 0
for command in ('RETR', 'RETR 0', 'RETR 3', 'RETR x', 'RETR -1', 'RETR 99999999999999999999', 'LIST 3', 'LIST 0', 'UIDL 3',
                'DELE', 'DELE 0', 'DELE 3', 'TOP', 'TOP 1', 'TOP 1 x', 'TOP 1 -1', 'TOP 3 0', 'RETR 4294967297'):
    bad(command, pop.ask(command))
    good('  and the session lives', pop.ask('NOOP'))
    errors += 1
    if errors == 4:
        pop.ask('QUIT')
        pop, errors = again(), 0
pop.ask('QUIT')
pop = again()
uidl = pop.many('UIDL')[1]
uids = [line.split()[1] for line in uidl]
check('UIDL: unique, 1 to 70 printable characters',
      len(set(uids)) == 2 and all(1 <= len(u) <= 70 and all('!' <= c <= '~' for c in u) for u in uids), uidl)
check('UIDL 2', pop.ask('UIDL 2') == '+OK ' + uidl[1])
good('DELE', pop.ask('DELE 1'))
for command in ('DELE 1', 'RETR 1', 'LIST 1', 'UIDL 1', 'TOP 1 0'):
    bad('%s of a deleted message' % command, pop.ask(command))
check('LIST leaves it out, numbers stay', pop.many('LIST')[1] == sizes[1:])
check('UIDL leaves it out', pop.many('UIDL')[1] == uidl[1:])
answer = pop.ask('STAT')
check('STAT leaves it out', answer.startswith('+OK 1 ' + sizes[1].split()[1]), answer)
good('RSET', pop.ask('RSET'))
check('RSET takes DELE back', pop.many('LIST')[1] == sizes)

# A second session
second = Pop(True)
if second.state.startswith('-ERR'):
    check('the maildrop is locked: [IN-USE]', '[IN-USE]' in second.state, second.state)
    # RFC 1939 section 4: the server may close the connection after the refusal, or take QUIT.
    check('then QUIT, or the end', second.farewell()[:3] in ('', '+OK'))
else:
    check('two sessions see the same', second.many('UIDL')[1] == uidl)
    second.ask('QUIT')
pop.ask('DELE 1')
good('QUIT', pop.ask('QUIT'))
check('QUIT ends', pop.at_end())

# UPDATE
pop = again()
check('QUIT has deleted; UIDL stays', [line.split()[1] for line in pop.many('UIDL')[1]] == uids[1:])
pop.ask('DELE 1')
pop.socket.shutdown(2)
pop = again()
answer = pop.ask('STAT')
check('without QUIT nothing is deleted', answer.startswith('+OK 1 '), answer)
pop.send('STAT\r\nLIST 1\r\nRETR 9\r\nUIDL\r\nNOOP\r\nQUIT\r\n')
got = [pop.line(), pop.line(), pop.line(), pop.line(), pop.rest(), pop.line(), pop.line()]
check('pipelining', [a[0] for a in got if isinstance(a, str)] == ['+', '+', '-', '+', '+', '+'] and len(got[4]) == 1, got)
pop = Pop()
pop.send('USER %s\r\nPASS %s\r\nSTAT\r\nQUIT\r\n' % (USER, PASSWORD))
got = [pop.line() for _ in range(4)]
check('pipelining with the login', all(a.startswith('+OK') for a in got), got)
pop = Pop()
good('QUIT before login', pop.ask('QUIT'))
pop = Pop()
pop.send('STLS\r\nNOOP\r\n')
pop.line()  # +OK, or a refusal because of what follows
check('what follows STLS in clear is never answered in clear', not pop.line().startswith(('+OK', '-ERR')))
