#!/usr/bin/env perl
# An echo server of lines on POE::Component::Server::TCP, as its synopsis has it. To be compared with; takes
# ADDR:PORT, and ignores --lines.
#
# Lines end with LF in both directions, so that what comes back is what was sent. The event loop is the one
# that POE takes by default (POE::Loop::Select), unless POE_EVENT_LOOP names another.

use warnings;
use strict;

use Socket qw(inet_ntoa unpack_sockaddr_in);

use POE qw(Component::Server::TCP);

my ($where) = grep { $_ ne '--lines' } @ARGV;
my ($address, $port) = ($where // '') =~ /^([\d.]+):(\d+)$/
    or die "usage: $0 ADDR:PORT [--lines]\n";

POE::Component::Server::TCP->new(
    Address      => $address,
    Port         => $port,
    ClientFilter => ['POE::Filter::Line', Literal => "\n"],
    Started      => sub {
        my ($port, $host) = unpack_sockaddr_in($_[HEAP]{listener}->getsockname());
        $| = 1;
        print 'listening on ', inet_ntoa($host), ":$port\n";
    },
    # Clients that reset are no news.
    ClientError => sub { },
    ClientInput => sub { $_[HEAP]{client}->put($_[ARG0]) },
);

POE::Kernel->run();
