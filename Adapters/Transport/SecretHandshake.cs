using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace ControlPlane.Adapters.Transport;

/// <summary>
/// Both ends prove that they know the secret, without sending it: HMAC-SHA256 over a nonce of each, the role in which one end connects, and
/// the address at which the other listens.
/// </summary>
/// <remarks>
/// The address keeps a program that took over the port of a silo that died from passing everything on to a silo that lives: what that one
/// answers is for its own address. Whoever is connected to hears nothing before it has proved the secret but a proof of ours, and whoever
/// connects proves it last.
/// </remarks>
internal sealed class SecretHandshake(LocalSecret secret, PeerRole connecting, EndPoint? listening)
{
    private const int NonceBytes = 32;
    private const int ProofBytes = HMACSHA256.HashSizeInBytes;

    private static readonly byte[] Greeting = "CPlane1\n"u8.ToArray();

    /// <summary>As the end that was connected to.</summary>
    /// <exception cref="PeerRefusedException">The other end does not know the secret.</exception>
    public async Task AcceptAsync(IDuplexPipe transport, CancellationToken cancellationToken)
    {
        var hello = await ReadAsync(transport.Input, Greeting.Length + NonceBytes, cancellationToken);
        RequireGreeting(hello);
        var (theirs, ours) = (hello[Greeting.Length..], RandomNumberGenerator.GetBytes(NonceBytes));
        await transport.Output.WriteAsync((byte[])[.. Greeting, .. ours, .. Proof("accepts", theirs, ours)], cancellationToken);
        Require(await ReadAsync(transport.Input, ProofBytes, cancellationToken), Proof("connects", theirs, ours));
    }

    /// <summary>As the end that connects.</summary>
    /// <exception cref="PeerRefusedException">The other end does not know the secret.</exception>
    public async Task ConnectAsync(IDuplexPipe transport, CancellationToken cancellationToken)
    {
        var ours = RandomNumberGenerator.GetBytes(NonceBytes);
        await transport.Output.WriteAsync((byte[])[.. Greeting, .. ours], cancellationToken);
        var answer = await ReadAsync(transport.Input, Greeting.Length + NonceBytes + ProofBytes, cancellationToken);
        RequireGreeting(answer);
        var theirs = answer[Greeting.Length..(Greeting.Length + NonceBytes)];
        Require(answer[(Greeting.Length + NonceBytes)..], Proof("accepts", ours, theirs));
        await transport.Output.WriteAsync(Proof("connects", ours, theirs), cancellationToken);
    }

    // Nonces are of one length and the texts hold no '|', so that no two handshakes have the same bytes.
    private byte[] Proof(string prover, byte[] nonceOfConnecting, byte[] nonceOfAccepting)
    {
        var about = Encoding.UTF8.GetBytes($"controlplane-port-v1|{prover}|{connecting}|{Written(listening)}|");
        return HMACSHA256.HashData(secret.Value, [.. about, .. nonceOfConnecting, .. nonceOfAccepting]);
    }

    private static string Written(EndPoint? endpoint) => endpoint is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped
        ? new IPEndPoint(mapped.Address.MapToIPv4(), mapped.Port).ToString()
        : $"{endpoint}";

    private static void RequireGreeting(byte[] message)
    {
        if (!message.AsSpan().StartsWith(Greeting))
        {
            throw new PeerRefusedException("it does not speak of a secret; both ends must be configured alike, and be of this version");
        }
    }

    private static void Require(byte[] proof, byte[] expected)
    {
        if (!CryptographicOperations.FixedTimeEquals(proof, expected))
        {
            throw new PeerRefusedException(
                "it does not know the secret of this machine's silos (Silo:SecretFile), or was asked for another address or role");
        }
    }

    private static async Task<byte[]> ReadAsync(PipeReader input, int count, CancellationToken cancellationToken)
    {
        var read = await input.ReadAtLeastAsync(count, cancellationToken);
        if (read.Buffer.Length < count)
        {
            throw new PeerRefusedException("it ended the connection before it had proved anything");
        }

        // What comes behind is Orleans'.
        var bytes = read.Buffer.Slice(0, count).ToArray();
        input.AdvanceTo(read.Buffer.GetPosition(count));
        return bytes;
    }
}

/// <summary>The other end of a connection may not be connected with us; the message says why.</summary>
internal sealed class PeerRefusedException(string message) : Exception(message);
