#!/usr/bin/env perl
# Datagrams: "ping TEXT" is answered with "pong TEXT" and how often this peer has pinged, "stop" ends
# the program. Its twin is udp_ping.rs.

use warnings;
use strict;

use IO::Socket::INET;
use Socket;
use POE;

my $port = shift // 12345;
$| = 1;

POE::Session->create(
  inline_states => {
    _start       => \&start,
    got_datagram => \&got_datagram,
    stop         => \&stop,
    got_signal   => sub { },  # not handled: it ends the program
  },
);

POE::Kernel->run();
exit;

sub start {
  my ($kernel, $heap) = @_[KERNEL, HEAP];
  $kernel->sig($_ => "got_signal") for qw(INT TERM);
  my $socket = IO::Socket::INET->new(
    Proto     => "udp",
    LocalAddr => "127.0.0.1",
    LocalPort => $port,
  );
  unless ($socket) {
    warn "bind: $!\n";
    return;
  }
  print "listening on ", $socket->sockhost, ":", $socket->sockport, "\n";
  $kernel->select_read($socket, "got_datagram");
}

sub got_datagram {
  my ($kernel, $heap, $socket) = @_[KERNEL, HEAP, ARG0];
  my $peer = recv($socket, my $message = "", 1500, 0);
  unless (defined $peer) {
    warn "recv: $!\n";
    return;
  }
  if ($message =~ /^ping (.*)/s) {
    my $count = ++$heap->{count}{$peer};
    send($socket, "pong $1 $count", 0, $peer);
  }
  elsif ($message eq "stop") {
    send($socket, "stopped after " . keys(%{$heap->{count}}) . " peers", 0, $peer);
    $kernel->yield(stop => $socket);
  }
  else {
    send($socket, "what?", 0, $peer);
  }
}

sub stop {
  my ($kernel, $socket) = @_[KERNEL, ARG0];
  $kernel->select_read($socket);
}
