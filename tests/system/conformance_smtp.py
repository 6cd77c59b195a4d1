#!/usr/bin/env python3
"""SMTP by the letter: RFC 5321, 2920, 3030, 1870, 6531 and 3461, over a raw socket.

  conformance_smtp.py PORT USER DOMAIN
"""
import re
import sys

from wire import Wire, check

PORT, USER, DOMAIN = int(sys.argv[1]), sys.argv[2], sys.argv[3]
TO = '%s@%s' % (USER, DOMAIN)


class Smtp(Wire):
    def __init__(self, ehlo=True):
        super().__init__(PORT)
        self.greeting = self.reply()
        self.ehlo = self.ask('EHLO c.test') if ehlo else ''

    def reply(self):
        text = ''
        while True:
            line = self.line()
            text += line
            if not re.match(r'\d{3}-', line):
                return text

    def ask(self, text):
        self.send(text.encode() + b'\r\n')
        return self.reply()


def case(before, command, code, what=None):
    """On a new connection after EHLO, and what is in before, the command has a reply that begins with code."""
    smtp = Smtp()
    for each in before:
        smtp.ask(each)
    answer = smtp.ask(command)
    check(what or command, re.match(code, answer), answer)
    if code[0] == '5':
        check('  and the session lives', smtp.ask('NOOP').startswith('250'), answer)
    if not answer.startswith('354'):  # after that QUIT is content
        smtp.ask('QUIT')


MAIL, RCPT = 'MAIL FROM:<a@c.test>', 'RCPT TO:<%s>' % TO

# States: RFC 5321 section 4.1.4
smtp = Smtp(False)
check('greeting', re.match(r'220 \S+', smtp.greeting), smtp.greeting)
check('MAIL before EHLO', smtp.ask(MAIL).startswith('503'))
check('NOOP before EHLO', smtp.ask('NOOP').startswith('250'))
check('RSET before EHLO', smtp.ask('RSET').startswith('250'))
check('EHLO without a name', smtp.ask('EHLO').startswith('501'))
answer = smtp.ask('HELO c.test')
check('HELO has one line', re.fullmatch(r'250 [^\n]+\n', answer), answer)
check('MAIL after HELO', smtp.ask(MAIL).startswith('250'))
check('QUIT', smtp.ask('QUIT').startswith('221') and smtp.at_end())
for before, command in (([], 'RCPT TO:<%s>' % TO), ([], 'DATA'), ([MAIL], 'DATA'), ([MAIL], 'MAIL FROM:<b@c.test>'),
                        ([MAIL, RCPT, 'RSET'], 'DATA'), ([MAIL, RCPT, 'EHLO c.test'], 'DATA'), ([MAIL, RCPT, 'HELO c.test'], 'DATA')):
    case(before, command, '503 5.5.1' if before == [] else '(503|554) 5.5.1', '%s after %s' % (command, before))
case([MAIL, RCPT], 'NOOP', '250', 'NOOP in a transaction')
case([], 'noop some words', '250')
case([], 'XYZZY', '50[02] 5.5')
case([], 'TURN', '50[02] 5.5')
case([], 'DATA now', '50[13]')
case([], 'RSET now', '501')
case([], 'QUIT now', '501|221')
case([MAIL, RCPT], 'data', '354', 'commands in any case')

# Paths: sections 4.1.2 and 4.5.3
for path, code in (('<>', '250'), ('<a@c.test>', '250'), ('<"a b"@c.test>', '250'), ('<"a\\"b"@c.test>', '250'), ('<@x.test,@y.test:a@c.test>', '250'),
                   ('<a@[127.0.0.1]>', '250'), ('<a@[IPv6:::1]>', '250'), ('a@c.test', '50[13]|250'), ('<a@c.test', '501'), ('<a b@c.test>', '501'),
                   ('<a..b@c.test>', '501'), ('<.a@c.test>', '501'), ('<a@-c.test>', '501'), ('<a@c..test>', '501'), ('<a@@c.test>', '501'),
                   ('<a@[999.0.0.1]>', '501'), ('<' + 'a' * 64 + '@c.test>', '250'), ('<"a>', '501'), ('<a@c.test>x', '501')):
    case([], 'MAIL FROM:' + path, code)
case([], 'mail from:<a@c.test>', '250')
case([], 'MAIL <a@c.test>', '501')
case([], 'MAIL', '501')
case([MAIL], 'RCPT TO:<>', '5')
case([MAIL], 'RCPT TO:<Postmaster>', '25', 'RCPT TO:<Postmaster> without a domain')
case([MAIL], 'RCPT TO:<%s@%s>' % (USER, DOMAIN.upper()), '25', 'a domain in any case')
case([MAIL], 'RCPT TO:<@relay.test:%s>' % TO, '25', 'a source route is ignored')
case([MAIL], 'RCPT TO:<"%s"@%s>' % (USER, DOMAIN), '25', 'a quoted local part is the same')

# Parameters: section 4.1.1.11, RFC 1870, 6152, 6531, 3461
for parameters, code in (('SIZE=100', '250'), ('size=100', '250'), ('SIZE=0', '250'), ('SIZE=', '501'), ('SIZE', '501'), ('SIZE=x', '501'), ('SIZE=-1', '501'),
                         ('SIZE=99999999999999999999', '5(52 5.3.4|01)'), ('SIZE=1 SIZE=1', '501'), ('BODY=7BIT', '250'), ('BODY=8BITMIME', '250'),
                         ('BODY=8bitmime', '250'), ('BODY=NONE', '501'), ('SMTPUTF8', '250'), ('SMTPUTF8=1', '501'), ('RET=FULL', '250'), ('RET=HDRS', '250'),
                         ('RET=NO', '501'), ('ENVID=QQ+2B1', '250'), ('ENVID=a+2', '501'), ('ENVID=a+2b', '501'), ('ENVID=a ENVID=b', '501'),
                         ('ENVID=' + 'a' * 101, '501'), ('XFOO=1', '555')):
    case([], MAIL + ' ' + parameters, code)
for parameters, code in (('NOTIFY=NEVER', '25'), ('NOTIFY=SUCCESS,FAILURE,DELAY', '25'), ('notify=delay', '25'), ('NOTIFY=NEVER,DELAY', '501'), ('NOTIFY=', '501'),
                         ('NOTIFY=OFTEN', '501'), ('NOTIFY=NEVER NOTIFY=NEVER', '501'), ('ORCPT=rfc822;a@b.test', '25'), ('ORCPT=a@b.test', '501'),
                         ('ORCPT=rfc822;a+0', '501'), ('SIZE=1', '555'), ('XFOO', '555')):
    case([MAIL], RCPT + ' ' + parameters, code)
case([], 'MAIL FROM:<j\u00fc@c.test> SMTPUTF8', '250')
case([], 'MAIL FROM:<j\u00fc@c.test>', '55[0-9]|501', 'UTF-8 without SMTPUTF8')

# Lengths: section 4.5.3.1
case([], 'NOOP ' + 'x' * 500, '250', 'a command of 507 octets')
case([], 'NOOP ' + 'x' * 20000, '500', 'a command of 20000 octets')

# EHLO's keywords: uppercase, each once; RFC 2034: codes on every reply to a command
words = [line[4:].split()[0] for line in Smtp().ehlo.splitlines()[1:]]
check('EHLO keywords', len(set(words)) == len(words) and all(re.fullmatch('[A-Z0-9][A-Z0-9-]*', w) for w in words), words)
smtp = Smtp()
for command in (MAIL, RCPT, 'RSET', 'NOOP', 'VRFY x', 'XYZZY', 'DATA'):
    answer = smtp.ask(command)
    check('enhanced code on ' + command, re.match(r'([245])\d\d[ -]\1\.\d+\.\d+ ', answer), answer)

# DATA and transparency, several messages, pipelining (RFC 2920)
smtp = Smtp()
smtp.send('MAIL FROM:<a@c.test>\r\nRCPT TO:<%s>\r\nRCPT TO:<nobody@%s>\r\nDATA\r\n' % (TO, DOMAIN))
codes = [smtp.reply()[:3] for _ in range(4)]
check('pipelining: the good recipient is enough', codes == ['250', '250', '550', '354'], codes)
smtp.send('Subject: x\r\n\r\n..\r\n.\r\nMAIL FROM:<b@c.test>\r\nRCPT TO:<nobody@%s>\r\nDATA\r\nNOOP\r\n' % DOMAIN)
codes = [smtp.reply()[:3] for _ in range(5)]
check('commands may follow the dot; DATA without a recipient', codes[:3] == ['250', '250', '550'] and codes[3] in ('503', '554')
      and codes[4] == '250', codes)
check('the transaction is still there', smtp.ask(RCPT).startswith('25'))
smtp.ask('DATA')
check('an empty message', smtp.ask('.')[0] in '25')
check('after DATA there is no transaction', smtp.ask(RCPT).startswith('503'))

# CHUNKING: RFC 3030
smtp = Smtp()
smtp.send('%s\r\n%s\r\nBDAT 14\r\nSubject: a\r\n\r\nBDAT 5 LAST\r\n.\r\n\r\nRSET\r\n' % (MAIL, RCPT))
codes = [smtp.reply()[:3] for _ in range(5)]
check('BDAT pipelined, a lone dot is content', codes == ['250'] * 5, codes)
smtp.send('%s\r\n%s\r\nBDAT 14\r\nSubject: a\r\n\r\nBDAT 0 LAST\r\n' % (MAIL, RCPT))
codes = [smtp.reply()[:3] for _ in range(4)]
check('BDAT 0 LAST', codes == ['250'] * 4, codes)
smtp.send('%s\r\n%s\r\nBDAT 3\r\nS: ' % (MAIL, RCPT))
codes = [smtp.reply()[:3] for _ in range(3)]
check('DATA after BDAT', smtp.ask('DATA').startswith('503'))
check('MAIL after BDAT', smtp.ask(MAIL).startswith('503'))
check('RSET after BDAT', smtp.ask('RSET').startswith('250'))
smtp.send('BDAT 6 LAST\r\nNOOP\r\nNOOP\r\n')
codes = [smtp.reply()[:3] for _ in range(2)]
check('BDAT without a transaction: its octets are no commands', codes == ['503', '250'], codes)
for arguments in ('', 'x', '-1', '1 FIRST', '99999999999999999999'):
    smtp = Smtp()
    smtp.ask(MAIL), smtp.ask(RCPT)
    answer = smtp.ask('BDAT ' + arguments)
    check('BDAT ' + arguments, answer[0] == '5', answer)
