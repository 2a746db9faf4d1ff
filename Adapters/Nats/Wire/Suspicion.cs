namespace ControlPlane.Adapters.Nats;

/// <summary>
/// What a queue's record keeps of owners that died: which messages were on their way then, and how often one of them was, alone.
/// </summary>
/// <remarks>
/// A message that kills its silo leaves nobody to count. Who dies is no proof either: all that was on its way goes to the next owner, and
/// most of it is innocent. So after a second death in a row the next owner takes those messages one at a time, writes down which one before
/// it does, and a message with which alone several silos died is held to be the cause.
/// </remarks>
/// <param name="Deaths">How many owners died before the queue got past <paramref name="Through"/>.</param>
/// <param name="Through">The last sequence that was on its way when they did.</param>
/// <param name="OnTrial">The message that was last tried alone; 0 when none was.</param>
/// <param name="Trials">How often it was tried and nobody lived to say that it was done.</param>
internal sealed record Suspicion(int Deaths, ulong Through, ulong OnTrial = 0, int Trials = 0)
{
    // One death is far more often a machine's or a deployment's than a message's, and one at a time is slow.
    private const int DeathsBeforeTrial = 2;

    /// <summary>Up to which sequence messages are tried alone; 0 when none are.</summary>
    public ulong TrialsThrough => Deaths >= DeathsBeforeTrial ? Through : 0;

    /// <summary>What is held against the messages of a queue that is taken. Pure.</summary>
    /// <param name="before">What was before; null when nothing was.</param>
    /// <param name="floor">The last sequence that is done.</param>
    /// <param name="delivered">The last sequence that the owner before had been given; null when it never came to read.</param>
    /// <param name="hasDied">Whether that owner died, rather than gave the queue up or lost it.</param>
    public static Suspicion? Judge(Suspicion? before, ulong floor, ulong? delivered, bool hasDied)
    {
        var current = floor < before?.Through ? before : null;
        if (!hasDied)
        {
            // Who lives to give the queue up did not die of what was on trial.
            return current is { Trials: > 0 } ? current with { Trials = current.Trials - 1 } : current;
        }

        if (!(delivered > floor))
        {
            return current;
        }

        // An owner that tries messages alone was given more than it handed on, and never got past the last of them.
        return current is null
            ? new Suspicion(Deaths: 1, delivered.Value)
            : current with
            {
                Deaths = current.Deaths + 1,
                Through = Math.Max(current.Through, current.TrialsThrough > 0 ? 0 : delivered.Value),
            };
    }

    /// <summary>How often a message was tried without anybody living to say that it was done.</summary>
    public int TrialsOf(ulong sequence) => sequence == OnTrial ? Trials : 0;

    /// <summary>A message is about to be tried.</summary>
    public Suspicion Try(ulong sequence) => this with { OnTrial = sequence, Trials = TrialsOf(sequence) + 1 };
}
