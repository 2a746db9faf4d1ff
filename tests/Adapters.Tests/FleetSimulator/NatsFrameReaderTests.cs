using System.Globalization;
using System.Text;
using ControlPlane.FleetSimulator.Broker;
using CsCheck;

namespace ControlPlane.Adapters.Tests.FleetSimulator;

public sealed class NatsFrameReaderTests
{
    private static readonly Gen<byte[]> Payloads = Gen.Byte.Array[0, 200];

    [Fact]
    public void Read_FindsEveryMessage_WhereverTheStreamIsCut() =>
        Gen.Select(Payloads.Array[1, 5], Gen.Int[1, 50]).Sample(AssertReadsAll);

    private static void AssertReadsAll(byte[][] payloads, int cut)
    {
        var stream = payloads.SelectMany((payload, index) => Message($"a.b.{index}", index + 1, payload)).ToArray();
        var read = new List<(int Subscription, byte[] Body)>();
        var start = 0;
        for (var end = Math.Min(cut, stream.Length); start < stream.Length; end = Math.Min(end + cut, stream.Length))
        {
            while (NatsFrameReader.Read(stream.AsSpan(start..end), out var frame) is var consumed and > 0)
            {
                read.Add((frame.Subscription, frame.Body.ToArray()));
                start += consumed;
            }
        }

        Assert.Equal(payloads.Length, read.Count);
        Assert.All(read.Index(), item => Assert.Equal(item.Index + 1, item.Item.Subscription));
        Assert.All(read.Index(), item => Assert.Equal(payloads[item.Index], item.Item.Body));
    }

    [Fact]
    public void Read_LeavesOutHeaders()
    {
        var bytes = "HMSG a 7 12 16\r\nNATS/1.0\r\n\r\nbody\r\n"u8;

        var consumed = NatsFrameReader.Read(bytes, out var frame);

        Assert.Equal(bytes.Length, consumed);
        Assert.Equal(7, frame.Subscription);
        Assert.Equal("body"u8, frame.Body);
    }

    [Theory]
    [InlineData("PING", nameof(NatsFrameKind.Ping))]
    [InlineData("PONG", nameof(NatsFrameKind.Pong))]
    [InlineData("+OK", nameof(NatsFrameKind.Ok))]
    [InlineData("-ERR 'Authorization Violation'", nameof(NatsFrameKind.Error))]
    [InlineData("INFO {}", nameof(NatsFrameKind.Info))]
    public void Read_KnowsWhatAServerSays(string line, string kind)
    {
        NatsFrameReader.Read(Encoding.ASCII.GetBytes(line + "\r\n"), out var frame);

        Assert.Equal(kind, frame.Kind.ToString());
    }

    [Theory]
    [InlineData("MSG a")]
    [InlineData("MSG a x 5")]
    [InlineData("MSG a 1 -5")]
    [InlineData("HMSG a 1 9 5")]
    [InlineData("GET / HTTP/1.1")]
    public void Read_Throws_WhenTheServerDoesNotSpeakNats(string line) => Assert.Throws<BrokerException>(
        () => { NatsFrameReader.Read(Encoding.ASCII.GetBytes(line + "\r\n"), out _); });

    private static byte[] Message(string subject, int subscription, byte[] payload) =>
    [
        .. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"MSG {subject} {subscription} {payload.Length}\r\n")),
        .. payload,
        .. "\r\n"u8,
    ];
}
