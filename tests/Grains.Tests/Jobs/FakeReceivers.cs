using System.Text.Json;
using ControlPlane.Jobs;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>Web hooks and brokers in memory, which remember what they were sent.</summary>
internal sealed class FakeReceivers : IWebHooks, IJobEvents
{
    public const string Nats = "NATS";

    /// <summary>What a receiver answers; null when it does not.</summary>
    public Func<string, Task<string?>> Answer { get; set; } = _ => Task.FromResult<string?>("");

    /// <summary>All that was sent, also in vain.</summary>
    public List<(string Receiver, string Id, JsonElement Event)> Sent { get; } = [];

    public List<string> Subjects { get; } = [];

    public string? Obstacle => null;

    /// <summary>What a receiver was sent, by its kind.</summary>
    public IEnumerable<string> KindsTo(string receiver) => Sent.Where(one => one.Receiver == receiver)
        .Select(one => one.Event.GetProperty("type").GetString()!.Split('.')[2]);

    public async Task<string> PostAsync(string name, string id, string json, CancellationToken cancellationToken)
    {
        Sent.Add((name, id, JsonDocument.Parse(json).RootElement));
        return await Answer(name) ?? throw new ReceiverUnavailableException("away");
    }

    public Task PublishAsync(string subject, string json, CancellationToken cancellationToken)
    {
        Subjects.Add(subject);
        return PostAsync(Nats, "", json, cancellationToken);
    }
}
