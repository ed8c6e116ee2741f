#!/usr/bin/env perl
# A proxy of TCP: a session for each client, with a wheel to either side. What either side has sent before
# it ended reaches the other. Its twin is proxy.rs.

use warnings;
use strict;

use Socket;
use POE qw(Wheel::SocketFactory Wheel::ReadWrite Filter::Stream);

my ($port, $server_port) = (shift // 12345, shift // 7777);
$| = 1;

POE::Session->create(
  inline_states => {
    _start           => \&start,
    got_client       => \&got_client,
    got_listen_error => \&got_listen_error,
    got_signal       => sub { },  # not handled: it ends the program
  },
);

POE::Kernel->run();
exit;

# The listener.

sub start {
  my ($kernel, $heap) = @_[KERNEL, HEAP];
  $kernel->sig($_ => "got_signal") for qw(INT TERM);
  $heap->{listener} = POE::Wheel::SocketFactory->new(
    BindAddress  => "127.0.0.1",
    BindPort     => $port,
    Reuse        => 1,
    SuccessEvent => "got_client",
    FailureEvent => "got_listen_error",
  );
  my ($bound, $address) = sockaddr_in($heap->{listener}->getsockname());
  print "listening on ", inet_ntoa($address), ":$bound\n" if $bound;
}

sub got_client {
  my $socket = $_[ARG0];
  POE::Session->create(
    inline_states => {
      _start            => \&client_start,
      got_server        => \&got_server,
      got_connect_error => \&got_connect_error,
      client_input      => \&client_input,
      server_input      => \&server_input,
      got_error         => \&got_error,
      got_flush         => \&got_flush,
    },
    args => [$socket],
  );
}

sub got_listen_error {
  my ($heap, $operation, $errstr) = @_[HEAP, ARG0, ARG2];
  warn "$operation: $errstr\n";
  delete $heap->{listener};
}

# A client.

sub client_start {
  my ($heap, $socket) = @_[HEAP, ARG0];
  $heap->{client} = POE::Wheel::ReadWrite->new(
    Handle       => $socket,
    Filter       => POE::Filter::Stream->new(),
    InputEvent   => "client_input",
    FlushedEvent => "got_flush",
    ErrorEvent   => "got_error",
  );
  $heap->{client}->pause_input();
  $heap->{connecting} = POE::Wheel::SocketFactory->new(
    RemoteAddress => "127.0.0.1",
    RemotePort    => $server_port,
    SuccessEvent  => "got_server",
    FailureEvent  => "got_connect_error",
  );
}

sub got_server {
  my ($heap, $socket) = @_[HEAP, ARG0];
  delete $heap->{connecting};
  $heap->{server} = POE::Wheel::ReadWrite->new(
    Handle       => $socket,
    Filter       => POE::Filter::Stream->new(),
    InputEvent   => "server_input",
    FlushedEvent => "got_flush",
    ErrorEvent   => "got_error",
  );
  $heap->{client}->resume_input();
}

sub got_connect_error {
  my ($heap, $operation, $errstr) = @_[HEAP, ARG0, ARG2];
  warn "$operation: $errstr\n";
  delete @$heap{qw(client connecting)};
}

sub client_input {
  my ($heap, $input) = @_[HEAP, ARG0];
  $heap->{server}->put($input) if $heap->{server};
}

sub server_input {
  my ($heap, $input) = @_[HEAP, ARG0];
  $heap->{client}->put($input) if $heap->{client};
}

# One side has ended or broken. The other has, when it was sent what there is.
sub got_error {
  my ($heap, $id) = @_[HEAP, ARG3];
  for my $side (qw(client server)) {
    my $wheel = $heap->{$side} or next;
    delete $heap->{$side} if $wheel->ID == $id or !$wheel->get_driver_out_octets();
  }
  $heap->{ending} = 1;
}

sub got_flush {
  my ($heap) = $_[HEAP];
  delete @$heap{qw(client server)} if $heap->{ending};
}
