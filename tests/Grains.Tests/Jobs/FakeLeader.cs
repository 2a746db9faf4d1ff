using ControlPlane.Placement;
using ControlPlane.Placement.Plans;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>The leader of a region as a plan's job sees it.</summary>
internal sealed class FakeLeader
{
    private static readonly LeaderEpoch Here = new("a", 0);

    /// <summary>Who has a place held in b.</summary>
    public HashSet<string> Held { get; } = new(StringComparer.Ordinal);

    public List<string> GivenBack { get; } = [];

    /// <summary>Who lives in b already.</summary>
    public HashSet<string> There { get; } = new(StringComparer.Ordinal);

    public Func<string, string?> Objection { get; set; } = _ => null;

    /// <summary>What every node waits for; null when none does.</summary>
    public string? Waits { get; set; }

    /// <summary>What comes of every question; null when it is answered.</summary>
    public Exception? Lost { get; set; }

    /// <summary>So many places are held, and nobody hears of it.</summary>
    public int LostAnswers { get; set; }

    // As grains do, it answers later than it is asked.
    public async Task<LeaderAnswer> Answer(LeaderCall call)
    {
        await Task.Yield();
        if (Lost is not null)
        {
            throw Lost;
        }

        switch (call)
        {
            case LeaderCall.ReserveMoves when Waits is not null:
                return new LeaderAnswer(Here, Reserved: new MoveVerdicts([], Waits));
            case LeaderCall.ReserveMoves reserve:
                var verdicts = reserve.Identities.Select(Reserve).ToArray();
                return LostAnswers-- > 0
                    ? throw new TimeoutException("the silo of its grain has ended")
                    : new LeaderAnswer(Here, Reserved: new MoveVerdicts(verdicts, ""));
            case LeaderCall.GiveBackMove back:
                GivenBack.Add(back.Identity);
                Held.Remove(back.Identity);
                return new LeaderAnswer(Here);
            default:
                throw new NotSupportedException($"{call}");
        }
    }

    private MoveVerdict Reserve(string identity)
    {
        if (There.Contains(identity))
        {
            return MoveVerdict.There("b");
        }

        if (Objection(identity) is { } objection)
        {
            return MoveVerdict.Refused(objection);
        }

        Held.Add(identity);
        return MoveVerdict.Held("b");
    }
}
