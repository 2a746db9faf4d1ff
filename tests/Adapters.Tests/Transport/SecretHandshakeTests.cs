using System.IO.Pipelines;
using System.Net;
using ControlPlane.Adapters.Transport;

namespace ControlPlane.Adapters.Tests.Transport;

/// <summary>What each end of a connection wants to see before it goes on; with real ports in <c>SiloPortsTests</c>.</summary>
public sealed class SecretHandshakeTests : IDisposable
{
    private static readonly IPEndPoint Here = new(IPAddress.Loopback, 11111);

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-secret-").FullName;
    private readonly Pipe toAccepting = new();
    private readonly Pipe toConnecting = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private End Accepting => new End(toAccepting.Reader, toConnecting.Writer);

    private End Connecting => new End(toConnecting.Reader, toAccepting.Writer);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task BothEnds_GoOn_WithWhatComesBehind()
    {
        await Task.WhenAll(AcceptAsync(Handshake()), ConnectAsync(Handshake()));
        await Connecting.Output.WriteAsync(new byte[] { 1, 2 }, Cancel);
        await Accepting.Output.WriteAsync(new byte[] { 3 }, Cancel);

        Assert.Equal([1, 2], (await Accepting.Input.ReadAsync(Cancel)).Buffer.FirstSpan.ToArray());
        Assert.Equal([3], (await Connecting.Input.ReadAsync(Cancel)).Buffer.FirstSpan.ToArray());
    }

    [Fact]
    public async Task AnAddress_IsTheSame_AsTheOtherFamilyWritesIt() => await Task.WhenAll(
        AcceptAsync(Handshake(at: new IPEndPoint(IPAddress.Loopback.MapToIPv6(), Here.Port))), ConnectAsync(Handshake()));

    /// <summary>
    /// Of another secret; for another role; or by somebody on the port of a silo that died, who passes it on to one that lives.
    /// </summary>
    [Theory]
    [InlineData("other", PeerRole.Silo, 11111)]
    [InlineData("ours", PeerRole.Client, 11111)]
    [InlineData("ours", PeerRole.Silo, 11112)]
    public async Task NeitherEnd_GoesOn_WithAProofOfSomethingElse(string secret, PeerRole role, int port)
    {
        var accepting = AcceptAsync(Handshake(secret, role, new IPEndPoint(IPAddress.Loopback, port)));

        var refused = await Assert.ThrowsAsync<PeerRefusedException>(() => ConnectAsync(Handshake()));
        Assert.Contains("does not know the secret", refused.Message, StringComparison.Ordinal);
        await toAccepting.Writer.CompleteAsync();
        await Assert.ThrowsAsync<PeerRefusedException>(() => accepting);
    }

    /// <summary>Each end gives a nonce of its own: what was said once opens nothing again.</summary>
    [Fact]
    public async Task WhatWasHeard_DoesNotOpenThePortAgain()
    {
        var heard = new Pipe();
        var connecting = Handshake().ConnectAsync(new End(toConnecting.Reader, new Recorder(toAccepting.Writer, heard.Writer)), Cancel);
        await Task.WhenAll(connecting, AcceptAsync(Handshake()));
        await heard.Writer.CompleteAsync();

        var refused = await Assert.ThrowsAsync<PeerRefusedException>(
            () => Handshake().AcceptAsync(new End(heard.Reader, new Pipe().Writer), Cancel));
        Assert.Contains("does not know the secret", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatIsNoHandshake_IsRefusedAtOnce()
    {
        await Connecting.Output.WriteAsync(new byte[64], Cancel);

        var refused = await Assert.ThrowsAsync<PeerRefusedException>(() => AcceptAsync(Handshake()));
        Assert.Contains("does not speak of a secret", refused.Message, StringComparison.Ordinal);
    }

    private Task AcceptAsync(SecretHandshake handshake) => handshake.AcceptAsync(Accepting, Cancel);

    private Task ConnectAsync(SecretHandshake handshake) => handshake.ConnectAsync(Connecting, Cancel);

    private SecretHandshake Handshake(string secret = "ours", PeerRole role = PeerRole.Silo, IPEndPoint? at = null) =>
        new(LocalSecret.ReadOrMake(Path.Combine(folder, secret)), role, at ?? Here);

    private sealed record End(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    /// <summary>Writes down what goes by.</summary>
    private sealed class Recorder(PipeWriter to, PipeWriter record) : PipeWriter
    {
        public override async ValueTask<FlushResult> WriteAsync(
            ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
        {
            await record.WriteAsync(source, cancellationToken);
            return await to.WriteAsync(source, cancellationToken);
        }

        public override void Advance(int bytes) => throw new NotSupportedException();

        public override Memory<byte> GetMemory(int sizeHint = 0) => throw new NotSupportedException();

        public override Span<byte> GetSpan(int sizeHint = 0) => throw new NotSupportedException();

        public override void CancelPendingFlush() => to.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => to.Complete(exception);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
            to.FlushAsync(cancellationToken);
    }
}
