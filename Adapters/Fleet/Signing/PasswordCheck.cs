namespace ControlPlane.Adapters.Fleet.Signing;

/// <summary>Compares passwords with bcrypt hashes; takes as long for nobody as for any user. Thread-safe.</summary>
internal sealed class PasswordCheck : IDisposable
{
    /// <summary>No password is longer; bcrypt looks at the first 72 bytes.</summary>
    public const int PasswordCharactersMax = 1024;

    /// <summary>Who waits longer for a turn is refused: it is a flood, or the machine is too slow for the cost of its hashes.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // Of a shape that the library reads; no password has this hash.
    private const string NobodysSaltAndHash = "......................................................";

    private readonly SemaphoreSlim turns = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <returns>Whether it is the password; null when there was no turn in time.</returns>
    public async Task<bool?> IsRightAsync(ListedUser? user, string password, int costOfList, CancellationToken cancellationToken)
    {
        if (!await turns.WaitAsync(Patience, cancellationToken))
        {
            return null;
        }

        try
        {
            return Compare(user?.Password, password, costOfList, out _);
        }
        finally
        {
            turns.Release();
        }
    }

    public void Dispose() => turns.Dispose();

    /// <summary>Compares, with as much work as the list's most costly hash takes.</summary>
    /// <param name="hash">The user's; null when there is no such user.</param>
    /// <param name="password">What was given.</param>
    /// <param name="costOfList">The most costly of the list.</param>
    /// <param name="rounds">How many rounds of bcrypt that took.</param>
    internal static bool Compare(string? hash, string password, int costOfList, out long rounds)
    {
        var isRight = false;
        var done = 0L;
        for (var cost = (hash is null ? null : UserList.CostOf(hash)) ?? costOfList; cost <= costOfList; cost++)
        {
            // A cheaper hash first, then as much work as is missing: c + c + (c + 1) + ... makes the most costly one.
            isRight |= done == 0 && Verify(hash ?? Nobodys(cost), password) && hash is not null;
            done += done == 0 ? 1L << cost : Waste(cost - 1, password);
        }

        rounds = done;
        return isRight;
    }

    private static long Waste(int cost, string password)
    {
        Verify(Nobodys(cost), password);
        return 1L << cost;
    }

    private static bool Verify(string hash, string password) => BCrypt.Net.BCrypt.Verify(password, hash);

    private static string Nobodys(int cost) => $"$2a${cost:00}${NobodysSaltAndHash[..53]}";
}
