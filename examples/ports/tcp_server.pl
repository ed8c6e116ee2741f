#!/usr/bin/env perl
# An echo server for two clients at a time, with all that POE::Component::Server::TCP calls back: "later
# TEXT" comes back after a while, "quit" ends the connection, "stop" the listener. Its twin is
# tcp_server.rs.

use warnings;
use strict;

use Socket;
use POE qw(Component::Server::TCP);

my $port = shift // 12345;
my $clients = 0;
$| = 1;

POE::Component::Server::TCP->new(
  Alias              => "echo",
  Address            => "127.0.0.1",
  Port               => $port,
  Concurrency        => 2,
  Started            => \&started,
  Error              => \&error,
  Stopped            => \&stopped,
  ClientPreConnect   => \&client_pre_connect,
  ClientConnected    => \&client_connected,
  ClientInput        => \&client_input,
  ClientError        => \&client_error,
  ClientDisconnected => \&client_disconnected,
  InlineStates       => { later => \&later },
);

POE::Kernel->run();
exit;

sub started {
  my ($kernel, $heap) = @_[KERNEL, HEAP];
  $kernel->sig($_ => "got_signal") for qw(INT TERM);  # not handled: it ends the program
  my ($bound, $address) = sockaddr_in($heap->{listener}->getsockname());
  print "listening on ", inet_ntoa($address), ":$bound\n" if $bound;
}

sub error {
  my ($operation, $errstr) = @_[ARG0, ARG2];
  warn "$operation: $errstr\n";
}

sub stopped {
  print "stopped after $clients clients\n";
}

sub client_pre_connect {
  my ($heap, $socket) = @_[HEAP, ARG0];
  print "client from $heap->{remote_ip}\n";
  return $socket;
}

sub client_connected {
  my $heap = $_[HEAP];
  $heap->{number} = ++$clients;
  $heap->{client}->put("welcome, client $heap->{number}");
}

sub client_input {
  my ($kernel, $heap, $line) = @_[KERNEL, HEAP, ARG0];
  if ($line =~ /^later (.*)/) {
    $kernel->delay(later => 0.02, $1);
  }
  elsif ($line eq "quit") {
    $heap->{client}->put("bye");
    $kernel->yield("shutdown");
  }
  elsif ($line eq "stop") {
    $kernel->post(echo => "shutdown");
  }
  else {
    $heap->{client}->put($line);
  }
}

sub client_error {
  my ($heap, $operation, $errnum) = @_[HEAP, ARG0, ARG1];
  print "client $heap->{number}: $operation error $errnum\n";
}

sub client_disconnected {
  my $heap = $_[HEAP];
  print "client $heap->{number} is gone\n";
}

sub later {
  my ($heap, $text) = @_[HEAP, ARG0];
  $heap->{client}->put("now $text");
}
