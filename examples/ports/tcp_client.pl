#!/usr/bin/env perl
# A client that does sums for its server, with what POE::Component::Client::TCP calls back: "N * N" is
# answered, "bye" ends it. Whenever the server ends the connection it comes again. Its twin is
# tcp_client.rs.

use warnings;
use strict;

use POE qw(Component::Client::TCP);

my $port = shift // 12345;
my ($visits, $done) = (0, 0);
$| = 1;

POE::Component::Client::TCP->new(
  Alias         => "client",
  RemoteAddress => "127.0.0.1",
  RemotePort    => $port,
  Started       => \&started,
  Connected     => \&connected,
  ConnectError  => \&connect_error,
  Disconnected  => \&disconnected,
  ServerInput   => \&server_input,
  ServerError   => \&server_error,
  ServerFlushed => \&server_flushed,
  InlineStates  => { got_signal => sub { } },  # not handled: it ends the program
);

POE::Kernel->run();
exit;

sub started {
  my $kernel = $_[KERNEL];
  $kernel->sig($_ => "got_signal") for qw(INT TERM);
  print "started\n";
}

sub connected {
  my $heap = $_[HEAP];
  $heap->{got_an_error} = 0;  # of the last connection: shutdown would not wait for what is put
  $visits++;
  print "connected\n";
  $heap->{server}->put("visit $visits");
}

sub connect_error {
  my ($operation, $errnum, $errstr) = @_[ARG0 .. ARG2];
  print "$operation error $errnum: $errstr\n";
}

sub disconnected {
  my $kernel = $_[KERNEL];
  print "disconnected\n";
  $kernel->delay(reconnect => 0.02) unless $done;
}

sub server_input {
  my ($kernel, $heap, $line) = @_[KERNEL, HEAP, ARG0];
  if ($line =~ /^([0-9]{1,5}) \* ([0-9]{1,5})$/) {
    $heap->{server}->put($1 * $2);
  }
  elsif ($line eq "bye") {
    $done = 1;
    $heap->{server}->put("bye after $visits visits");
    $kernel->yield("shutdown");
  }
  else {
    $heap->{server}->put("what is $line?");
  }
}

sub server_error {
  my ($operation, $errnum) = @_[ARG0, ARG1];
  print "$operation error $errnum\n";
}

sub server_flushed {
  print "all is sent\n";
}
