namespace ControlPlane.Jobs;

/// <summary>How each target of a job in one overlay stands: a byte each. Not thread-safe: its grain is.</summary>
internal sealed class TargetTable
{
    /// <summary>Attempts are counted in four bits.</summary>
    public const int AttemptsMax = 15;

    private const int StateBits = 4;
    private const int StateMask = (1 << StateBits) - 1;
    private static readonly int States = Enum.GetValues<TargetState>().Length;

    private readonly byte[] cells;
    private readonly List<int[]> counts = [];
    private IReadOnlyList<int> ends = [];

    /// <param name="cells">As <see cref="ToBytes"/> gave them; all zero for targets that nothing was done with.</param>
    /// <param name="ends">Up to which target each stage goes; what lies behind the last belongs to none.</param>
    public TargetTable(byte[] cells, IReadOnlyList<int> ends)
    {
        this.cells = [.. cells];
        SetEnds(ends);
    }

    public int Count => cells.Length;

    /// <summary>How the targets of each stage stand, and in one more element those of no stage yet.</summary>
    public IReadOnlyList<TargetCounts> Counts => [.. counts.Select(of => new TargetCounts { ByState = [.. of] })];

    public TargetState this[int target] => (TargetState)(cells[target] & StateMask);

    public int AttemptsOf(int target) => cells[target] >> StateBits;

    public int StageOf(int target)
    {
        var stage = 0;
        while (stage < ends.Count && target >= ends[stage])
        {
            stage++;
        }

        return stage;
    }

    /// <summary>How many targets are in a state, in a stage or (null) in all.</summary>
    public int CountOf(TargetState state, int? stage = null) =>
        stage is { } one ? counts[one][(int)state] : counts.Sum(of => of[(int)state]);

    public void Set(int target, TargetState state) => Set(target, state, AttemptsOf(target));

    /// <summary>The request is about to be sent once more.</summary>
    public void Dispatch(int target) => Set(target, TargetState.Dispatched, AttemptsOf(target) + 1);

    /// <summary>The request was not sent after all.</summary>
    public void Undo(int target) => Set(target, TargetState.Pending, AttemptsOf(target) - 1);

    public void SetEnds(IReadOnlyList<int> stages)
    {
        ends = stages;
        counts.Clear();
        for (var stage = 0; stage <= ends.Count; stage++)
        {
            counts.Add(new int[States]);
        }

        for (var target = 0; target < cells.Length; target++)
        {
            counts[StageOf(target)][(int)this[target]]++;
        }
    }

    public byte[] ToBytes() => [.. cells];

    private void Set(int target, TargetState state, int attempts)
    {
        var of = counts[StageOf(target)];
        of[(int)this[target]]--;
        of[(int)state]++;
        cells[target] = (byte)((attempts << StateBits) | (int)state);
    }
}
