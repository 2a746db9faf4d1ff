using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Transport;

/// <summary>Lets in who knows the secret of this machine.</summary>
internal sealed partial class SecretGuard(LocalSecret secret, TimeProvider time, ILogger logger) : IPeerGuard
{
    public void Accept(IConnectionBuilder port, PeerRole who) => port.Use(next => connection => RunAsync(
        connection,
        next,
        (transport, token) => new SecretHandshake(secret, who, connection.LocalEndPoint).AcceptAsync(transport, token)));

    public void Connect(IConnectionBuilder connections, PeerRole ourRole) => connections.Use(next => connection => RunAsync(
        connection,
        next,
        (transport, token) => new SecretHandshake(secret, ourRole, connection.RemoteEndPoint).ConnectAsync(transport, token)));

    private async Task RunAsync(
        ConnectionContext connection, ConnectionDelegate next, Func<System.IO.Pipelines.IDuplexPipe, CancellationToken, Task> shake)
    {
        using (var patience = new CancellationTokenSource(IPeerGuard.HandshakeMax, time))
        using (var deadline = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, connection.ConnectionClosed))
        {
            try
            {
                await shake(connection.Transport, deadline.Token);
            }
            catch (Exception refused) when (refused is PeerRefusedException or OperationCanceledException or IOException)
            {
                var reason = refused is PeerRefusedException ? refused.Message : "it did not prove itself in time";
                LogRefused($"{connection.RemoteEndPoint}", reason);
                throw new ConnectionAbortedException($"{connection.RemoteEndPoint} was refused: {reason}", refused);
            }
        }

        await next(connection);
    }

    [LoggerMessage(LogLevel.Warning, "Refused a connection between silos and clients with {Peer}: {Reason}")]
    private partial void LogRefused(string peer, string reason);
}
