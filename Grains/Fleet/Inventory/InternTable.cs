using System.Runtime.InteropServices;

namespace ControlPlane.Fleet;

/// <summary>Values that many nodes share, each stored once and known by a small number while somebody uses it.</summary>
internal sealed class InternTable<T>(IEqualityComparer<T>? comparer = null)
    where T : notnull
{
    private readonly Dictionary<T, int> numbers = new(comparer);
    private readonly List<(T Value, int Uses)> values = [];
    private readonly Stack<int> free = new();

    /// <summary>Values in use.</summary>
    public int Count => numbers.Count;

    /// <summary>One past the highest number ever given.</summary>
    public int Numbers => values.Count;

    public T this[int number] => values[number].Value;

    /// <summary>The number of a value; -1 when nobody uses it.</summary>
    public int Find(T value) => numbers.TryGetValue(value, out var number) ? number : -1;

    /// <summary>The values in use with their numbers.</summary>
    public IEnumerable<KeyValuePair<T, int>> All => numbers;

    /// <summary>Uses a value once more.</summary>
    public int Use(T value)
    {
        ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(numbers, value, out var isKnown);
        if (!isKnown)
        {
            number = free.TryPop(out var reused) ? reused : values.Count;
            if (number == values.Count)
            {
                values.Add(default);
            }

            values[number] = (value, 0);
        }

        values[number] = values[number] with { Uses = values[number].Uses + 1 };
        return number;
    }

    /// <summary>Uses it once less; a value that nobody uses is forgotten and its number given to another.</summary>
    public void Release(int number)
    {
        var (value, uses) = values[number];
        if (uses > 1)
        {
            values[number] = (value, uses - 1);
            return;
        }

        numbers.Remove(value);
        values[number] = default;
        free.Push(number);
    }
}
