using System.Text;
using System.Text.Json.Nodes;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Choria.Tests;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Nats;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>Every reader of stored messages survives any bytes: it answers with an event, poison or nothing, and never throws.</summary>
[Collection("what is counted of nodes' messages")]
public sealed class EveryDecoderTests : IDisposable
{
    private const string HalfCharacter = "\\ud800";

    private static readonly Encoding Strict = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // Stored before a crash, this one ended the liveness of every partition that read it again.
    private static readonly byte[] Deadly = [.. """{"protocol":"choria:adapters:choria_streams:output:1","data":"{}","sender":"\ud800"}"""u8];

    private static readonly byte[][] Payloads = [.. Captures.AllMessages().SelectMany(Forms).DistinctBy(Convert.ToHexString)];

    private readonly NodeMessageMeter meter = new();
    private readonly NodeTrust trust = new(Options.Create(new FleetOptions()), Options.Create(new ProvisioningOptions()));
    private readonly IReadOnlyDictionary<string, IJetStreamDecoder> decoders;
    private readonly IReadOnlyList<FleetSource> sources =
        [.. FleetSource.Of(FleetOfAllSources(), new OverlaysOptions { Local = "overlay-1" })];

    public EveryDecoderTests() => decoders = new Dictionary<string, IJetStreamDecoder>
    {
        [FleetSource.LifecycleKey] = new LifecycleDecoder(new FleetOptions(), new OverlaysOptions()),
        [FleetSource.MachineKey] = new MachineDecoder(),
        [FleetSource.SubmissionKey] = new SubmissionDecoder(trust, meter),
        [FleetSource.RegistrationKey] = new RegistrationDecoder(
            trust, Options.Create(new InventoryOptions()), meter, new RejectedRegistrations(NullLogger<RejectedRegistrations>.Instance)),
    };

    [Fact]
    public void ThereIsNoOtherDecoder() => Assert.Equal(
        typeof(FleetSource).Assembly.GetTypes().Where(type => type.IsAssignableTo(typeof(IJetStreamDecoder)) && type.IsClass)
            .OrderBy(type => type.Name, StringComparer.Ordinal),
        decoders.Values.Select(decoder => decoder.GetType()).OrderBy(type => type.Name, StringComparer.Ordinal));

    [Fact]
    public void Decoders_Survive_TheMessageThatEndedLiveness() => Read(Deadly, "");

    [Fact]
    public void Decoders_SurviveNoise() => Gen.Byte.Array[0, 300].Sample(noise => Read(noise, ""), iter: 3_000);

    [Fact]
    public void Decoders_Survive_WhatIsNearlyACapture() => Mutated.Sample(payload => Read(payload, ""), iter: 10_000);

    [Fact]
    public void Decoders_SurviveSubjectsAndHeaders() => Gen.Select(Mutated, Gen.String[0, 40]).Sample(Read, iter: 2_000);

    [Fact]
    public void Replies_HoldTextThatCanBeRead_WhateverNodesWrite() => Mutated.Sample(
        payload =>
        {
            if (RpcReply.TryDecode(payload, out var reply, out _))
            {
                Strict.GetByteCount(reply.StatusMessage + reply.Action);
                NodeTextTests.AssertReadable(reply.Data);
            }
        },
        iter: 10_000);

    public void Dispose()
    {
        meter.Dispose();
        trust.Dispose();
    }

    private static Gen<byte[]> Mutated => Gen.Select(
        Gen.Int[0, Payloads.Length - 1], Gen.Select(Gen.Int[0, int.MaxValue], Gen.Int[0, 6], Gen.Byte).Array[1, 3]).Select(
        (number, changes) => changes.Aggregate(
            Payloads[number], (payload, change) => Change(payload, change.Item1, change.Item2, change.Item3)));

    private void Read(byte[] payload, string text)
    {
        foreach (var source in sources)
        {
            var headers = text.Length == 0 || text.Any(char.IsControl)
                ? null
                : new NATS.Client.Core.NatsHeaders { ["Choria-Identity"] = text };
            var message = new JetStreamMessage(
                source.Name, text.Length == 0 ? "choria.submission.in.x" : text, headers, payload, 1, DateTimeOffset.UnixEpoch);
            Check(source.SignOrNull(message));
            var decoded = decoders[source.DecoderKey].Decode(message);
            Assert.True(decoded.PoisonReason is null or { Length: > 0 });
            Check(decoded.Payload as FleetEvent);
        }
    }

    private static void Check(FleetEvent? heard)
    {
        if (heard is null)
        {
            return;
        }

        Assert.NotEmpty(heard.Identity);
        Strict.GetByteCount($"{heard.Identity}{heard.Version}{heard.EventId}{heard.Component}");
        if (heard.Registration?.Inventory is { } inventory)
        {
            Strict.GetByteCount(string.Concat([.. inventory.Classes, .. inventory.Agents, .. inventory.Collectives, inventory.MachineId]));
            NodeTextTests.AssertReadable(inventory.FactsJson);
        }
    }

    // As it was captured; its body; and its body as a data adapter publishes it.
    private static IEnumerable<byte[]> Forms(CapturedMessage message)
    {
        yield return message.Payload;
        if (ChoriaEnvelope.TryDecodeReply(message.Payload, out var reply, out _))
        {
            yield return reply.Reply.Body.ToArray();
        }

        if (ChoriaEnvelope.TryDecodeRequest(message.Payload, out var request, out _))
        {
            yield return request.Request.Body.ToArray();
            yield return Encoding.UTF8.GetBytes(new JsonObject
            {
                ["protocol"] = "choria:adapters:jetstream:output:1",
                ["data"] = Encoding.UTF8.GetString(request.Request.Body.Span),
                ["sender"] = request.Request.Sender,
            }.ToJsonString());
        }
    }

    private static byte[] Change(byte[] payload, int place, int kind, byte value)
    {
        var at = payload.Length == 0 ? 0 : place % payload.Length;
        return kind switch
        {
            0 => payload[..at],
            1 => [.. payload[..at], value, .. payload[at..]],
            2 => [.. payload[..at], .. payload[Math.Min(payload.Length, at + 1)..]],
            3 => [.. payload[..at], .. payload[at..], .. payload[at..]],
            4 => InText(payload, place, Encoding.UTF8.GetBytes(HalfCharacter)),
            5 => InText(payload, place, [value]),
            _ =>
            [
                .. payload[..at],
                (byte)(payload.Length == 0 ? value : payload[at] ^ value),
                .. payload[Math.Min(payload.Length, at + 1)..],
            ],
        };
    }

    // Behind a quotation mark: inside a text, or what is meant to be one.
    private static byte[] InText(byte[] payload, int place, byte[] inserted)
    {
        var marks = payload.Index().Where(one => one.Item == '"').Select(one => one.Index + 1).ToArray();
        var at = marks.Length == 0 ? 0 : marks[place % marks.Length];
        return [.. payload[..at], .. inserted, .. payload[at..]];
    }

    private static FleetOptions FleetOfAllSources() => new()
    {
        Provisioning = new NetworkOptions { StreamName = "PROVISIONING" },
        Overlays =
        {
            ["overlay-1"] = new NetworkOptions
            {
                StreamName = "EVENTS",
                RegistrationStreamName = "REGISTRATIONS",
                MachineStreamName = "MACHINES",
                SubmissionStreamName = "SUBMISSIONS",
            },
        },
    };
}
