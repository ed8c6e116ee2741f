#!/usr/bin/env perl
# A server that gives everyone back their lines, in rot13: the program of the manual of
# POE::Wheel::SocketFactory. Its twin is ../rot13_server.rs.

use warnings;
use strict;

use IO::Socket;
use POE qw(Wheel::SocketFactory Wheel::ReadWrite);

my $port = shift // 12345;
$| = 1;

POE::Session->create(
  inline_states => {
    _start           => \&start,
    on_client_accept => \&on_client_accept,
    on_server_error  => \&on_server_error,
    on_client_input  => \&on_client_input,
    on_client_error  => \&on_client_error,
    got_signal       => sub { },
  },
);

POE::Kernel->run();
exit;

sub start {
  my ($kernel, $heap) = @_[KERNEL, HEAP];
  $kernel->sig($_ => "got_signal") for qw(INT TERM);
  $heap->{server} = POE::Wheel::SocketFactory->new(
    BindPort     => $port,
    SuccessEvent => "on_client_accept",
    FailureEvent => "on_server_error",
  );
  my ($bound, $address) = sockaddr_in($heap->{server}->getsockname());
  print "listening on ", inet_ntoa($address), ":$bound\n" if $bound;
}

sub on_client_accept {
  my ($heap, $socket) = @_[HEAP, ARG0];
  my $wheel = POE::Wheel::ReadWrite->new(
    Handle     => $socket,
    InputEvent => "on_client_input",
    ErrorEvent => "on_client_error",
  );
  $heap->{client}{$wheel->ID()} = $wheel;
}

sub on_server_error {
  my ($heap, $operation, $errnum, $errstr) = @_[HEAP, ARG0 .. ARG2];
  warn "Server $operation error $errnum: $errstr\n";
  delete $heap->{server};
}

sub on_client_input {
  my ($heap, $input, $wheel_id) = @_[HEAP, ARG0, ARG1];
  $input =~ tr[a-zA-Z][n-za-mN-ZA-M];
  $heap->{client}{$wheel_id}->put($input);
}

sub on_client_error {
  my ($heap, $wheel_id) = @_[HEAP, ARG3];
  delete $heap->{client}{$wheel_id};
}
