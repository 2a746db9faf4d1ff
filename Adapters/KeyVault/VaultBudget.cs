namespace ControlPlane.Adapters.KeyVault;

/// <summary>Spreads the signatures of one vault over time, so that it never has to refuse. Thread-safe.</summary>
/// <remarks>
/// Each signature takes a slice of the vault's time: a tenth of a second when the vault allows 100 in ten. The slices of all keys of a
/// vault add up, as the vault's own limit does. An idle vault saves up a burst; after a refusal all wait.
/// </remarks>
internal sealed class VaultBudget(TimeProvider time)
{
    private const double UsedShare = 0.8;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BurstMax = TimeSpan.FromSeconds(1);

    private readonly Lock taking = new();
    private DateTimeOffset taken;

    /// <summary>Takes the next turn, or none when it is too far off.</summary>
    /// <param name="perWindow">How many signatures by this key the vault allows in ten seconds.</param>
    /// <param name="waitMax">The longest wait for a turn.</param>
    /// <param name="wait">How long until the turn, taken or not.</param>
    public bool TryTake(int perWindow, TimeSpan waitMax, out TimeSpan wait)
    {
        lock (taking)
        {
            var now = time.GetUtcNow();
            var from = taken < now - BurstMax ? now - BurstMax : taken;
            wait = from > now ? from - now : TimeSpan.Zero;
            if (wait > waitMax)
            {
                return false;
            }

            taken = from + (Window / (perWindow * UsedShare));
            return true;
        }
    }

    /// <summary>The vault has refused: no more turns before it said to come back.</summary>
    public void Pause(TimeSpan duration)
    {
        lock (taking)
        {
            var until = time.GetUtcNow() + duration;
            taken = until > taken ? until : taken;
        }
    }
}
